#pragma once
#include <atomic>
#include <functional>

#include "catalog/catalog.hpp"
#include "http/connection_table.hpp"
#include "http/router.hpp"
#include "http/server_context.hpp"
#include "net/context_executor.hpp"

namespace rollcall {

/// What belongs to one I/O thread.
struct Lane {
  Lane(boost::asio::io_context& io, const Catalog& catalog, const Clock& clock, const HttpLimits& limits,
       const http::GuardRules& guard, std::atomic<std::size_t>& open_connections,
       const std::function<void(http::Response&)>* stamp)
      : reader(catalog),
        own(io),
        connections(io, clock, limits, open_connections),
        context{router, guard, limits, stats, connections, stamp} {}

  CatalogReader reader;
  net::ContextExecutor own;
  http::Router router;
  http::ServerStats stats;
  http::ConnectionTable connections;
  const http::ServerContext context;  // what each connection of this thread refers to
};

}  // namespace rollcall
