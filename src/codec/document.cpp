#include "codec/document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

namespace rollcall::codec {

std::string_view name_of(JsonKind kind) noexcept {
  constexpr std::array<std::string_view, 7> kNames{"null",     "a boolean", "an integer", "a number",
                                                   "a string", "an array",  "an object"};
  return kNames[std::to_underlying(kind)];
}

/// What Boost.JSON's parser calls. The names and signatures are its own.
class DocumentBuilder {
 public:
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_object_size = max_array_size;
  static constexpr std::size_t max_string_size = max_array_size;
  static constexpr std::size_t max_key_size = max_array_size;

  using error_code = boost::json::error_code;
  using string_view = boost::json::string_view;

  DocumentBuilder(Document& document, std::string_view input, std::size_t most)
      : document_(document), input_(input), most_(most) {
    document_.values_.reserve(std::min<std::size_t>(most, 64));
  }

  [[nodiscard]] bool too_many() const noexcept { return too_many_; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_array_begin(error_code& ec) { return open(JsonKind::array, ec); }
  bool on_array_end(std::size_t, error_code&) { return close(); }
  bool on_object_begin(error_code& ec) { return open(JsonKind::object, ec); }
  bool on_object_end(std::size_t, error_code&) { return close(); }

  bool on_string_part(string_view part, std::size_t, error_code&) { return collect(part); }
  bool on_string(string_view last, std::size_t, error_code& ec) {
    auto* value = add(JsonKind::text, ec);
    if (value != nullptr) value->text = keep(last);
    return value != nullptr;
  }
  bool on_key_part(string_view part, std::size_t, error_code&) { return collect(part); }
  bool on_key(string_view last, std::size_t, error_code&) {
    key_ = keep(last);
    return true;
  }

  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(std::int64_t number, string_view, error_code& ec) {
    auto* value = add(JsonKind::integer, ec);
    if (value == nullptr) return false;
    value->integer = number;
    value->real = static_cast<double>(number);
    return true;
  }
  bool on_uint64(std::uint64_t number, string_view, error_code& ec) {
    // Only numbers beyond int64 arrive here; every field's range ends far below.
    auto* value = add(JsonKind::integer, ec);
    if (value == nullptr) return false;
    value->integer = std::numeric_limits<std::int64_t>::max();
    value->real = static_cast<double>(number);
    return true;
  }
  bool on_double(double number, string_view, error_code& ec) {
    auto* value = add(JsonKind::real, ec);
    if (value != nullptr) value->real = number;
    return value != nullptr;
  }
  bool on_bool(bool boolean, error_code& ec) {
    auto* value = add(JsonKind::boolean, ec);
    if (value != nullptr) value->boolean = boolean;
    return value != nullptr;
  }
  bool on_null(error_code& ec) { return add(JsonKind::null, ec) != nullptr; }
  bool on_comment_part(string_view, error_code&) { return false; }
  bool on_comment(string_view, error_code&) { return false; }

 private:
  JsonValue* add(JsonKind kind, error_code& ec) {
    auto& values = document_.values_;
    if (values.size() >= most_) {
      too_many_ = true;
      ec = boost::json::error::exception;
      return nullptr;
    }
    auto& value = values.emplace_back();
    value.kind = kind;
    value.key = std::exchange(key_, {});
    value.end = static_cast<std::uint32_t>(values.size());
    return &value;
  }

  bool open(JsonKind kind, error_code& ec) {
    if (add(kind, ec) == nullptr) return false;
    open_[depth_++] = static_cast<std::uint32_t>(document_.values_.size() - 1);  // the parser bounds the depth
    return true;
  }

  bool close() {
    document_.values_[open_[--depth_]].end = static_cast<std::uint32_t>(document_.values_.size());
    return true;
  }

  bool collect(string_view part) {
    pending_.append(part.data(), part.size());
    return true;
  }

  std::string_view keep(string_view last) {
    const bool in_input = last.data() >= input_.data() && last.data() <= input_.data() + input_.size();
    if (pending_.empty() && in_input) return {last.data(), last.size()};
    pending_.append(last.data(), last.size());
    auto* copy = static_cast<char*>(document_.memory_.allocate(std::max<std::size_t>(pending_.size(), 1), 1));
    std::memcpy(copy, pending_.data(), pending_.size());
    const std::string_view kept(copy, pending_.size());
    pending_.clear();
    return kept;
  }

  Document& document_;
  std::string_view input_;
  std::size_t most_;
  bool too_many_ = false;
  std::string_view key_;
  std::string pending_;
  std::array<std::uint32_t, Document::kMaxDepth + 1> open_{};
  std::size_t depth_ = 0;
};

Result<void> Document::parse(std::string_view json, std::size_t most_values) {
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::json::basic_parser<DocumentBuilder> parser(options, *this, json, most_values);
  boost::json::error_code ec;
  const auto used = parser.write_some(false, json.data(), json.size(), ec);
  if (parser.handler().too_many()) {
    return fail(ErrorCode::invalid, fmt::format("the body has more than {} JSON values", most_values));
  }
  if (ec == boost::json::error::too_deep) {
    return fail(ErrorCode::invalid, fmt::format("the body nests deeper than {} levels", kMaxDepth));
  }
  if (ec) return fail(ErrorCode::invalid, "the body is not JSON in UTF-8: " + ec.message());
  if (used != json.size()) return fail(ErrorCode::invalid, "the body goes on after its JSON value");
  return {};
}

}  // namespace rollcall::codec
