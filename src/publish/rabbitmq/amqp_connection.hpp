#pragma once
// One connection to the broker with one channel that confirms. Where librabbitmq is hidden.
#include <amqp.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "publish/publisher.hpp"
#include "publish/rabbitmq/broker_url.hpp"
#include "publish/rabbitmq/confirms.hpp"
#include "publish/rabbitmq/rabbitmq_publisher.hpp"

namespace rollcall {

/// Lives on one thread; another may cut it off.
class AmqpConnection {
 public:
  AmqpConnection(const BrokerUrl& url, const RabbitMqOptions& options);
  ~AmqpConnection();
  AmqpConnection(const AmqpConnection&) = delete;
  AmqpConnection& operator=(const AmqpConnection&) = delete;

  /// Makes the socket, and reads the files that TLS needs. Errors name the setting.
  [[nodiscard]] Result<void> prepare();
  /// After prepare(). The rest of these methods return why they failed, or nothing; after a failure the connection is
  /// of no use.
  [[nodiscard]] std::string open();
  [[nodiscard]] std::string send(const Message& message);
  /// Waits that long for something from the broker, takes all that is there, and sends heartbeats when they are due.
  [[nodiscard]] std::string take_answers(std::chrono::milliseconds wait, Confirms& confirms);
  void close();

  /// Why the broker takes nothing at the moment; empty while it does.
  [[nodiscard]] const std::string& blocked() const noexcept { return blocked_; }

  /// Any thread: what blocks fails.
  void cut_off();

 private:
  [[nodiscard]] Result<void> prepare_tls();
  [[nodiscard]] Result<void> expect_host();
  [[nodiscard]] std::string log_in();
  [[nodiscard]] std::string open_channel();
  [[nodiscard]] std::string take(const amqp_frame_t& frame, Confirms& confirms);
  [[nodiscard]] std::string where() const;

  const BrokerUrl& url_;
  const RabbitMqOptions& options_;
  const amqp_connection_state_t state_;
  amqp_socket_t* socket_ = nullptr;  // the state's
  std::string blocked_;
  std::mutex mutex_;
  int descriptor_ = -1;  // guarded by mutex_; -1 while it isn't open
};

}  // namespace rollcall
