#pragma once
// What the connections of one I/O thread share, whichever version of HTTP they speak.
#include <atomic>
#include <cstdint>
#include <functional>

#include "base/limits.hpp"
#include "http/connection_table.hpp"
#include "http/guard.hpp"
#include "http/router.hpp"

namespace rollcall::http {

/// What connections count, for /metrics. One for each I/O thread, which alone writes it; any thread reads.
struct ServerStats {
  std::atomic<std::uint64_t> requests{0}, responses_4xx{0}, responses_5xx{0}, connections{0}, connections_total{0},
      connections_refused{0};
  std::atomic<std::uint64_t> streams{0};      ///< open now
  std::atomic<std::uint64_t> compressing{0};  ///< of them, those of bodies that are compressed

  void count_answer(unsigned status) noexcept {
    if (status >= 500) {
      bump(responses_5xx);
    } else if (status >= 400) {
      bump(responses_4xx);
    }
  }
  /// No locked instruction is needed where one thread writes.
  static void bump(std::atomic<std::uint64_t>& counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  /// One of those that `counter` counts, as long as it lives.
  class Counted {
   public:
    explicit Counted(std::atomic<std::uint64_t>& counter) : counter_(counter) {
      counter_.fetch_add(1, std::memory_order_relaxed);
    }
    ~Counted() { counter_.fetch_sub(1, std::memory_order_relaxed); }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

   private:
    std::atomic<std::uint64_t>& counter_;
  };
};

/// Constant while connections live; all of it belongs to the one I/O thread that they are served on.
struct ServerContext {
  const Router& router;
  const GuardRules& guard;
  const HttpLimits& limits;
  ServerStats& stats;
  ConnectionTable& connections;
  const std::function<void(Response&)>* stamp = nullptr;  ///< adds what every answer has; null: nothing
};

/// Where an answer comes from: here already, or what has to be waited for. A handler that throws has a defect: the log
/// tells, and the answer is 500.
[[nodiscard]] Answer answer_to(Request& request, const ServerContext& context);
[[nodiscard]] Response failure_answer(const Request& request, std::string_view what);

/// What each answer needs before it is sent, wherever it came from: the leave that a page of another origin has to read
/// it, 304 where the client has what it would send (RFC 9110, 13.1.2), and a long body compressed if the client likes.
void complete(const Request& request, Response& response, const ServerContext& context);

/// RFC 9110, 13.1.2: the list has this tag, compared weakly, or is "*".
[[nodiscard]] bool none_match_has(std::string_view list, std::string_view etag) noexcept;

}  // namespace rollcall::http
