#include "publish/rabbitmq/rabbitmq_publisher.hpp"

#include <fmt/format.h>

#include <utility>

#include "publish/publisher_state.hpp"
#include "publish/rabbitmq/amqp_connection.hpp"

namespace rollcall {
namespace {

/// Between looks for what the broker has to say while there is more to send.
constexpr std::size_t kSentAtOnce = 16;
/// Of a wait for confirms, until somebody may want it to end.
constexpr std::chrono::milliseconds kWait{100};

class RabbitMqPublisher final : public Publisher {
 public:
  RabbitMqPublisher(BrokerUrl url, RabbitMqOptions options) : url_(std::move(url)), options_(std::move(options)) {}

  std::size_t publish(std::span<const Message> batch) override {
    if (!connect()) return 0;
    confirms_.begin(batch.size());
    while (!confirms_.complete()) {
      if (state_.interrupted()) return give_up(""), confirms_.confirmed();
      if (auto failure = go_on(batch); !failure.empty()) return give_up(failure), confirms_.confirmed();
    }
    return batch.size();
  }

  void tend() override {
    if (!connect()) return;
    if (const auto failure = connection_->take_answers({}, confirms_); !failure.empty()) give_up(failure);
  }

  void disconnect() override {
    if (connection_ && !state_.interrupted()) connection_->close();
    give_up("");
  }

  void interrupt() override {
    state_.interrupt();
    const std::scoped_lock lock(mutex_);
    if (connection_) connection_->cut_off();
  }
  void resume() override { state_.resume(); }

  [[nodiscard]] PublisherHealth health() const override { return state_.health(); }

  /// Finds out what is wrong with the files.
  [[nodiscard]] Result<void> check() const { return AmqpConnection(url_, options_).prepare(); }

 private:
  /// Sends a little, or waits.
  std::string go_on(std::span<const Message> batch) {
    const bool may_send = connection_->blocked().empty();
    for (std::size_t i = 0; may_send && i < kSentAtOnce && confirms_.unsent() > 0; ++i) {
      if (auto failure = connection_->send(batch[batch.size() - confirms_.unsent()]); !failure.empty()) return failure;
      confirms_.sent();
    }
    const bool has_more = may_send && confirms_.unsent() > 0;
    auto failure = connection_->take_answers(has_more ? std::chrono::milliseconds{0} : kWait, confirms_);
    if (failure.empty() && confirms_.refused()) failure = "the broker refuses to keep a message";
    if (failure.empty()) show();
    return failure;
  }

  void show() {
    const auto& blocked = connection_->blocked();
    blocked.empty() ? state_.connected(where()) : state_.met(blocked, true);
  }

  bool connect() {
    if (connection_ || state_.interrupted()) return connection_ != nullptr;
    auto made = std::make_unique<AmqpConnection>(url_, options_);
    if (const auto ready = made->prepare(); !ready) {
      state_.met(fmt::format("{} {}", ready.error().field, ready.error().message));
      return false;
    }
    set_connection(std::move(made));
    confirms_.reset();
    if (const auto failure = connection_->open(); !failure.empty()) {
      give_up(failure);
      return false;
    }
    show();
    return true;
  }

  void give_up(const std::string& why) {
    set_connection(nullptr);
    why.empty() || state_.interrupted() ? state_.disconnected() : state_.met(why);
  }

  void set_connection(std::unique_ptr<AmqpConnection> connection) {
    const std::scoped_lock lock(mutex_);
    connection_.swap(connection);
  }

  [[nodiscard]] std::string where() const {
    return fmt::format("the exchange {} of RabbitMQ at {}:{}", options_.exchange, url_.host, url_.port);
  }

  const BrokerUrl url_;
  const RabbitMqOptions options_;
  PublisherState state_{"rabbitmq"};
  Confirms confirms_;
  std::mutex mutex_;
  std::unique_ptr<AmqpConnection> connection_;  // changed by the publishing thread alone, and then with mutex_
};

}  // namespace

Result<std::unique_ptr<Publisher>> make_rabbitmq_publisher(const RabbitMqOptions& options) {
  auto url = parse_broker_url(options.url);
  if (!url) return fail(ErrorCode::invalid, url.error().message, "rabbitmq.url");
  auto publisher = std::make_unique<RabbitMqPublisher>(std::move(*url), options);
  if (const auto ok = publisher->check(); !ok) return std::unexpected(ok.error());
  return publisher;
}

}  // namespace rollcall
