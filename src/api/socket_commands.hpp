#pragma once
// What the commands of the socket protocol mean (docs/protocols/socket.md).
#include <memory>

#include "api/bound_leases.hpp"
#include "base/limits.hpp"
#include "catalog/catalog.hpp"
#include "registry/registry.hpp"
#include "socket/commands.hpp"

namespace rollcall::api {

struct SocketParts {
  Registry& registry;
  const Catalog& catalog;
  CatalogReader& reader;  ///< of the thread that calls
  const Limits& limits;
  Executor& own;  ///< of the thread that calls
  const Clock& clock;
  std::shared_ptr<BoundLeases> bound;
};

/// One for each I/O thread.
[[nodiscard]] std::unique_ptr<socket::Commands> make_socket_commands(SocketParts parts);

}  // namespace rollcall::api
