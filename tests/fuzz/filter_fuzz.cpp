// The filters of lists: what is accepted says the same when it is written out again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/list_filter.hpp"
#include "http/message.hpp"
#include "http/text.hpp"

namespace {

using namespace rollcall;

void require(bool holds) {
  if (!holds) std::abort();
}

std::string written(const PieceFilter& filter) {
  std::string query;
  if (filter.status) query += "status=" + std::string(name_of(*filter.status));
  if (filter.source) query += "&source=" + std::string(name_of(*filter.source));
  if (!filter.tag.empty()) query += "&tag=" + http::percent_encode_segment(filter.tag);
  return query;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  const auto filter = api::list_filter(query);
  if (!filter) {
    require(!filter.error().message.empty() && http::is_utf8(filter.error().field));
    return 0;
  }
  require(http::is_utf8(filter->tag));
  const auto again = api::list_filter(written(*filter));
  require(again && again->status == filter->status && again->source == filter->source && again->tag == filter->tag);
  return 0;
}
