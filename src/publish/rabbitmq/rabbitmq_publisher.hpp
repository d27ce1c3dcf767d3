#pragma once
#include <memory>
#include <string>

#include "base/error.hpp"
#include "publish/publisher.hpp"

namespace rollcall {

struct RabbitMqOptions {
  std::string url;  ///< of parse_broker_url(); holds a password
  std::string exchange = "service-registry";
  // Paths of PEM files, for amqps.
  std::string ca;         ///< who vouches for the broker; empty: whom the system trusts
  std::string cert, key;  ///< ours; empty: none is shown
};

/// Errors name the setting: rabbitmq.url, rabbitmq.ca, ... Nothing is connected yet.
[[nodiscard]] Result<std::unique_ptr<Publisher>> make_rabbitmq_publisher(const RabbitMqOptions& options);

}  // namespace rollcall
