#include "publish/webhook/webhook_publisher.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>
#include <optional>
#include <utility>

#include "net/http_client.hpp"
#include "publish/publisher_state.hpp"
#include "publish/webhook/signature.hpp"
#include "publish/webhook/webhook_url.hpp"

namespace rollcall {
namespace {

namespace asio = boost::asio;
using Endpoint = asio::ip::tcp::endpoint;

constexpr std::size_t kAnswerBytes = 4'096;  // nobody reads it

asio::awaitable<std::optional<Endpoint>> resolve(std::string host, std::uint16_t port) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (!error) co_return Endpoint(address, port);
  asio::ip::tcp::resolver resolver(co_await asio::this_coro::executor);
  auto looked_up = resolver.async_resolve(host, std::to_string(port), asio::ip::tcp::resolver::numeric_service,
                                          asio::redirect_error(asio::use_awaitable, error));
  const auto found = co_await std::move(looked_up);
  if (error || found.empty()) co_return std::nullopt;
  co_return found.begin()->endpoint();
}

class WebhookPublisher final : public Publisher {
 public:
  WebhookPublisher(WebhookUrl url, WebhookOptions options, std::optional<net::TlsPeer> peer, const Clock& clock,
                   std::chrono::milliseconds timeout)
      : url_(std::move(url)),
        options_(std::move(options)),
        peer_(std::move(peer)),
        clock_(clock),
        timeout_(timeout),
        host_(fmt::format("{0}{1}{2}:{3}", url_.host.contains(':') ? "[" : "", url_.host,
                          url_.host.contains(':') ? "]" : "", url_.port)) {}

  std::size_t publish(std::span<const Message> batch) override {
    std::size_t confirmed = 0;
    while (confirmed < batch.size() && take(post(batch[confirmed]))) ++confirmed;
    return confirmed;
  }

  void tend() override {
    if (!state_.health().connected) take(reach());
  }

  void disconnect() override { state_.disconnected(); }

  void interrupt() override {
    state_.interrupt();
    const std::scoped_lock lock(mutex_);
    if (running_ != nullptr) running_->stop();
  }
  void resume() override { state_.resume(); }

  [[nodiscard]] PublisherHealth health() const override { return state_.health(); }

 private:
  /// Empty: it went well. Nothing: it was broken off.
  using Trouble = std::optional<std::string>;

  bool take(const Trouble& trouble) {
    if (!trouble) {
      state_.disconnected();
    } else if (trouble->empty()) {
      state_.connected(host_);
    } else {
      state_.met(*trouble);
    }
    return trouble && trouble->empty();
  }

  Trouble post(const Message& message) {
    return run([this, &message](Endpoint endpoint) -> asio::awaitable<std::string> {
      auto sent = net::send(request_for(message, endpoint));
      const auto reply = co_await std::move(sent);
      if (!reply) co_return reply.error().evidence;
      const bool ok = reply->status >= 200 && reply->status <= 299;
      co_return ok ? std::string() : fmt::format("{} answered {}", host_, reply->status);
    });
  }

  Trouble reach() {
    return run([this](Endpoint endpoint) -> asio::awaitable<std::string> {
      auto connected = net::connect(endpoint, timeout_);
      const auto socket = co_await std::move(connected);
      co_return socket ? std::string() : socket.error().evidence;
    });
  }

  [[nodiscard]] net::HttpRequest request_for(const Message& message, const Endpoint& endpoint) const {
    const auto now = std::chrono::floor<std::chrono::seconds>(clock_.wall_now()).time_since_epoch().count();
    net::HttpRequest request;
    request.endpoint = endpoint;
    request.host = host_;
    request.target = url_.target;
    request.timeout = request.connect_timeout = timeout_;
    request.max_body_bytes = kAnswerBytes;
    request.method = boost::beast::http::verb::post;
    request.body = message.body;
    request.headers = {{"X-Rollcall-Message", message.id},
                       {"X-Rollcall-Timestamp", std::to_string(now)},
                       {"X-Rollcall-Signature", signature_of(options_.secret, now, message.body)}};
    request.tls = peer_;
    return request;
  }

  /// Does it to its end, or until interrupt().
  template <class Ask>
  Trouble run(Ask ask) {
    asio::io_context context(1);
    if (!begin(context)) return std::nullopt;
    Trouble trouble;
    auto whole = [](const WebhookPublisher& self, Ask asked) -> asio::awaitable<std::string> {
      auto resolved = resolve(self.url_.host, self.url_.port);
      const auto endpoint = co_await std::move(resolved);
      if (!endpoint) co_return fmt::format("the name {} can't be resolved", self.url_.host);
      auto answer = asked(*endpoint);
      co_return co_await std::move(answer);
    };
    asio::co_spawn(context, whole(*this, std::move(ask)),
                   [&trouble](const std::exception_ptr& failed, std::string met) {
                     trouble = failed ? std::string("the request failed") : std::move(met);
                   });
    context.run();
    const std::scoped_lock lock(mutex_);
    running_ = nullptr;
    return trouble;
  }

  bool begin(asio::io_context& context) {
    const std::scoped_lock lock(mutex_);
    if (state_.interrupted()) return false;
    running_ = &context;
    return true;
  }

  const WebhookUrl url_;
  const WebhookOptions options_;
  const std::optional<net::TlsPeer> peer_;
  const Clock& clock_;
  const std::chrono::milliseconds timeout_;
  const std::string host_;  ///< and port, which may be shown
  PublisherState state_{"webhook"};
  std::mutex mutex_;
  asio::io_context* running_ = nullptr;  // guarded by mutex_
};

}  // namespace

Result<std::unique_ptr<Publisher>> make_webhook_publisher(const WebhookOptions& options, const Clock& clock,
                                                          std::chrono::milliseconds timeout) {
  auto url = parse_webhook_url(options.url);
  if (!url) return fail(ErrorCode::invalid, url.error().message, "webhook.url");
  std::optional<net::TlsPeer> peer;
  if (url->secure) {
    auto context = net::load_tls_client({.ca = options.ca});
    if (!context) return fail(ErrorCode::invalid, context.error().message, "webhook.ca");
    peer = net::TlsPeer{std::move(*context), url->host};
  }
  return std::make_unique<WebhookPublisher>(std::move(*url), options, std::move(peer), clock, timeout);
}

}  // namespace rollcall
