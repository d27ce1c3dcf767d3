#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/answers.hpp"
#include "codec/json.hpp"

namespace rollcall::api {

/// Builds one JSON object, member by member.
class ObjectWriter {
 public:
  void text(std::string_view name, std::string_view value) {
    begin(name);
    codec::append_string(json_, value);
  }
  void number(std::string_view name, std::uint64_t value) {
    begin(name);
    append_number(json_, value);
  }
  void number(std::string_view name, const std::optional<std::uint64_t>& value) {
    if (value) number(name, *value);
  }
  void real(std::string_view name, double value) {
    begin(name);
    append_seconds(json_, value);
  }
  void boolean(std::string_view name, bool value) {
    begin(name);
    json_ += value ? "true" : "false";
  }
  void raw(std::string_view name, std::string_view json) {
    begin(name);
    json_ += json;
  }
  [[nodiscard]] std::string finish() && { return std::move(json_) + '}'; }

 private:
  void begin(std::string_view name) {
    if (json_.size() > 1) json_ += ',';
    json_ += '"';
    json_ += name;
    json_ += "\":";
  }

  std::string json_ = "{";
};

}  // namespace rollcall::api
