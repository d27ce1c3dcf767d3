#include "discovery/docker/lists.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>

#include "discovery/docker/parse.hpp"

namespace rollcall::docker {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kPortion = 200;  // elements, some milliseconds

template <class T>
asio::awaitable<Result<std::vector<T>>> read_in_portions(std::string body) {
  auto executor = co_await asio::this_coro::executor;
  ListReader<T> reader(body);
  std::vector<T> list;
  for (;;) {
    const auto more = reader.read(list, kPortion);
    if (!more) co_return std::unexpected(more.error());
    if (!*more) co_return list;
    co_await asio::post(executor, asio::use_awaitable);
  }
}

}  // namespace

template <class T>
asio::awaitable<Result<std::vector<T>>> list(EngineClient& client, std::string path) {
  auto asked = client.get(std::move(path));
  auto body = co_await std::move(asked);
  if (!body) co_return std::unexpected(body.error());
  auto read = read_in_portions<T>(*std::move(body));
  co_return co_await std::move(read);
}

template <class T>
asio::awaitable<Result<std::optional<std::vector<T>>>> list_if_changed(EngineClient& client, std::string path,
                                                                       std::size_t& hash) {
  auto asked = client.get(std::move(path));
  auto body = co_await std::move(asked);
  if (!body) co_return std::unexpected(body.error());
  const auto now = std::hash<std::string>()(*body);
  if (now == hash) co_return std::nullopt;
  auto read = read_in_portions<T>(*std::move(body));
  auto list = co_await std::move(read);
  if (!list) co_return std::unexpected(list.error());
  hash = now;
  co_return *std::move(list);
}

template asio::awaitable<Result<std::vector<Service>>> list(EngineClient&, std::string);
template asio::awaitable<Result<std::vector<Task>>> list(EngineClient&, std::string);
template asio::awaitable<Result<std::vector<Node>>> list(EngineClient&, std::string);
template asio::awaitable<Result<std::vector<Container>>> list(EngineClient&, std::string);
template asio::awaitable<Result<std::optional<std::vector<Service>>>> list_if_changed(EngineClient&, std::string,
                                                                                      std::size_t&);
template asio::awaitable<Result<std::optional<std::vector<Task>>>> list_if_changed(EngineClient&, std::string,
                                                                                   std::size_t&);
template asio::awaitable<Result<std::optional<std::vector<Container>>>> list_if_changed(EngineClient&, std::string,
                                                                                        std::size_t&);

}  // namespace rollcall::docker
