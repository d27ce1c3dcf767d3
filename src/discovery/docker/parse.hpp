#pragma once
// The engine's JSON to objects.hpp (Docker Engine API, https://docs.docker.com/engine/api/). Pure functions. What isn't
// what an engine answers is `incompatible`; members that aren't of use here may be anything.
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "discovery/docker/objects.hpp"

namespace rollcall::docker {

[[nodiscard]] Result<VersionInfo> parse_version(std::string_view body);
[[nodiscard]] Result<EngineInfo> parse_info(std::string_view body);
[[nodiscard]] Result<EngineEvent> parse_event(std::string_view line);
[[nodiscard]] Result<ContainerDetails> parse_container_details(std::string_view body);

/// Reads a list element by element, in memory that is used again for each: an answer of 30 MB is never held twice, and
/// who reads it may do something else in between. T: Service, Task, Node or Container. `body` outlives the reader.
template <class T>
class ListReader {
 public:
  explicit ListReader(std::string_view body);
  ~ListReader();
  ListReader(const ListReader&) = delete;
  ListReader& operator=(const ListReader&) = delete;

  /// Adds up to `most` elements to `list`. False: that was the last.
  [[nodiscard]] Result<bool> read(std::vector<T>& list, std::size_t most);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

extern template class ListReader<Service>;
extern template class ListReader<Task>;
extern template class ListReader<Node>;
extern template class ListReader<Container>;

template <class T>
[[nodiscard]] Result<std::vector<T>> parse_list(std::string_view body) {
  std::vector<T> list;
  const auto read = ListReader<T>(body).read(list, static_cast<std::size_t>(-1));
  if (!read) return std::unexpected(read.error());
  return list;
}

}  // namespace rollcall::docker
