#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "publish/publisher.hpp"

namespace rollcall {

struct WebhookOptions {
  std::string url;     ///< of parse_webhook_url()
  std::string secret;  ///< both sides know it
  std::string ca;      ///< path of a PEM file: who vouches for the receiver; empty: whom the system trusts
};

/// Errors name the setting. Nothing is connected yet. `timeout`: of one request.
[[nodiscard]] Result<std::unique_ptr<Publisher>> make_webhook_publisher(const WebhookOptions& options,
                                                                        const Clock& clock,
                                                                        std::chrono::milliseconds timeout);

}  // namespace rollcall
