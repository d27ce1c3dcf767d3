#pragma once
// What the commands of a connection mean: the contract between the protocol and the registry's side (api/).
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/ids.hpp"
#include "codec/socket_command.hpp"
#include "http/stream.hpp"

namespace rollcall::socket {

/// What became of a heartbeat.
enum class Heard : std::uint8_t {
  yes,
  unknown,
  undecided,  ///< its lease is running out: submit() it, and a commit decides
};

/// A connection that instances are bound to.
using TieId = StrongNumber<struct TieIdTag>;

/// How a connection ended, as far as it matters to what is bound to it.
enum class End : std::uint8_t {
  by_peer,  ///< its kernel closed or reset it: the process has ended, or let go
  silent,   ///< its kernel no longer answers ours
  by_us,    ///< shutdown, limits, deadlines: proves nothing
};

/// Who gives a command.
struct Caller {
  std::string_view address;
  TieId tie;  ///< set where the command binds
};

/// One for each I/O thread, which makes all calls. Nothing here blocks.
class Commands {
 public:
  /// May be called on any thread, once. `not_found` is an answer; other errors are faults for the log.
  using Done = std::move_only_function<void(Result<codec::SocketAnswer>)>;

  virtual ~Commands() = default;

  /// `heard` is as long as `ids`. The way of nearly all commands: no queue, no allocation.
  virtual void heartbeat(std::span<const std::string_view> ids, std::span<Heard> heard) = 0;

  /// The JSON list of endpoints that are well.
  [[nodiscard]] virtual std::string query(const ServiceName& service) = 0;

  /// The service's events from then on, as lines. `compacted`: the log doesn't reach back to that revision.
  [[nodiscard]] virtual Result<std::unique_ptr<http::BodyStream>> watch(const codec::WatchCommand& command) = 0;

  /// Whatever waits for a commit: all but queries and watches, and heartbeats only where they were undecided.
  virtual void submit(codec::SocketCommand command, const Caller& caller, Done done) = 0;

  /// Before the first command that binds: what a connection's instances will be bound to.
  [[nodiscard]] virtual TieId tie() = 0;
  /// Once for each tie. Binding commands that are still under way bind nothing any more.
  virtual void untie(TieId tie, End end) = 0;
};

}  // namespace rollcall::socket
