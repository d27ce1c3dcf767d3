// What a Docker engine may answer. Whatever is taken for an answer is whole: nothing in it lacks its id.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "discovery/docker/parse.hpp"

namespace {

using namespace rollcall::docker;

void require(bool holds) {
  if (!holds) std::abort();
}

template <class T>
void fuzz_list(std::string_view body, std::size_t portion) {
  const auto whole = parse_list<T>(body);
  if (whole) require(std::ranges::none_of(*whole, [](const T& element) { return element.id.empty(); }));
  ListReader<T> reader(body);
  std::vector<T> list;
  auto more = reader.read(list, portion);
  while (more && *more) more = reader.read(list, portion);
  require(more.has_value() == whole.has_value());
  if (whole) require(list.size() == whole->size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 8) {
    case 0:
      fuzz_list<Service>(body, 1);
      break;
    case 1:
      fuzz_list<Task>(body, 2);
      break;
    case 2:
      fuzz_list<Node>(body, 1);
      break;
    case 3:
      fuzz_list<Container>(body, 1);
      break;
    case 4:
      static_cast<void>(parse_version(body));
      break;
    case 5:
      static_cast<void>(parse_info(body));
      break;
    case 6:
      static_cast<void>(parse_event(body));
      break;
    default:
      static_cast<void>(parse_container_details(body));
  }
  return 0;
}
