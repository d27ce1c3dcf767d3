#pragma once
// Values in PostgreSQL's binary format: integers big-endian, times in microseconds since 2000, arrays with their bounds
// (src/backend/utils/adt/arrayfuncs.c, array_recv).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace rollcall::postgres {

/// Types by their fixed numbers (src/include/catalog/pg_type.dat).
enum class Type : std::uint32_t { bytes = 17, number = 20, text = 25, time = 1184 };

/// A time that doesn't fit is the nearest that does.
[[nodiscard]] std::string encode_time(WallTime time);
[[nodiscard]] WallTime decode_time(std::string_view bytes);
[[nodiscard]] std::string encode_number(std::uint64_t value);
/// 0 unless `bytes` are 8.
[[nodiscard]] std::uint64_t decode_number(std::string_view bytes);

/// What PostgreSQL's texts can hold: without NUL, and UTF-8 alone. For columns that people read; what counts is bytes.
[[nodiscard]] std::string readable(std::string_view text);

/// A column of rows, for unnest().
class Array {
 public:
  explicit Array(Type type) : type_(type) {}

  void add(std::string_view element);
  void add_null();
  void add(std::uint64_t value) { add(encode_number(value)); }
  void add(WallTime time) { add(encode_time(time)); }
  void add_readable(std::string_view text) { add(readable(text)); }

  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] std::string encoded() const;

 private:
  Type type_;
  std::uint32_t count_ = 0;
  bool has_null_ = false;
  std::string elements_;
};

/// The $1, $2, ... of a statement, in order.
class Parameters {
 public:
  Parameters& number(std::uint64_t value) { return push(encode_number(value)); }
  Parameters& time(std::optional<WallTime> time) { return time ? push(encode_time(*time)) : null(); }
  Parameters& bytes(std::string value) { return push(std::move(value)); }
  Parameters& array(const Array& array) { return push(array.encoded()); }
  Parameters& null() {
    values_.emplace_back();
    return *this;
  }

  [[nodiscard]] const std::vector<std::optional<std::string>>& values() const noexcept { return values_; }

 private:
  Parameters& push(std::string value) {
    values_.emplace_back(std::move(value));
    return *this;
  }
  std::vector<std::optional<std::string>> values_;
};

}  // namespace rollcall::postgres
