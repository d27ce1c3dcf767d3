#pragma once
// Dispatch is a table: method and path pattern to handler. A known path with a wrong method is 405 with Allow.
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/message.hpp"

namespace rollcall::http {

/// Answers at once, on the connection's thread.
using SyncHandler = std::function<Response(const Request&)>;
/// Answers later. The request stays valid until the coroutine ends.
using AsyncHandler = std::function<boost::asio::awaitable<Response>(const Request&)>;
/// At once, after a coroutine, or when something has happened.
using Answer = std::variant<Response, boost::asio::awaitable<Response>, std::unique_ptr<HeldAnswer>>;
/// Answers at once where it can, and later where it must: a hot path that rarely has to wait makes no coroutine.
using HybridHandler = std::function<Answer(const Request&)>;
using Handler = std::variant<SyncHandler, AsyncHandler, HybridHandler>;

/// Built once, then read by one thread (a Router per I/O thread, so that handlers may hold that thread's
/// CatalogReader).
class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  /// `pattern`: "/services/{name}/instances/{id}"; a {name} takes one segment. GET also answers HEAD.
  void add(Method method, std::string_view pattern, Handler handler);

  /// The handler, with `request.params` filled; or a ready answer: 404, 405 with Allow, OPTIONS' 204, 400 for bad
  /// escapes.
  [[nodiscard]] std::variant<const Handler*, Response> match(Request& request) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rollcall::http
