#pragma once
// Lists that an engine is asked for. While a long one is read, its thread does other things in between.
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "discovery/docker/engine_client.hpp"
#include "discovery/docker/objects.hpp"

namespace rollcall::docker {

/// T: Service, Task, Node or Container.
template <class T>
boost::asio::awaitable<Result<std::vector<T>>> list(EngineClient& client, std::string path);

/// Nothing if the answer is the one that `hash` is of, which is then not read; else `hash` is the new one's.
template <class T>
boost::asio::awaitable<Result<std::optional<std::vector<T>>>> list_if_changed(EngineClient& client, std::string path,
                                                                              std::size_t& hash);

}  // namespace rollcall::docker
