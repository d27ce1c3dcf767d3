#pragma once
// The registry's log as it grows: by /watch, and by /history where that can't tell everything.
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "cli/client.hpp"
#include "codec/server_sent_events.hpp"

namespace rollcall::cli {

/// What is asked for; empty: whatever it is.
struct EventFilter {
  std::string service{};
  std::string tag{};
  std::string source{};
  std::string status{};

  /// By what an instance may have at one time and not at another.
  [[nodiscard]] bool narrows() const noexcept { return !tag.empty() || !source.empty() || !status.empty(); }
  [[nodiscard]] bool matches(const boost::json::value& instance) const;
};

struct EventTaker {
  /// An event as /history has it. `kind` is its own, or `gone`: its instance no longer matches. False: that was enough.
  std::function<bool(std::string_view kind, const boost::json::value& event)> take;
  /// There is no more for now.
  std::function<void()> rest;
};

/// Tells each event once and in order. What it told last is where it goes on, so a broken connection loses nothing.
class EventFollower {
 public:
  /// After `since`, or from now on. `client` outlives it.
  EventFollower(const Client& client, EventFilter filter, std::optional<std::uint64_t> since, EventTaker taker)
      : client_(client), filter_(std::move(filter)), since_(since), position_(since), taker_(std::move(taker)) {}

  /// Until it was enough, or until something is wrong that waiting doesn't mend.
  [[nodiscard]] Result<void> run();

 private:
  using Event = boost::json::value;

  // ---- what goes wrong ----
  [[nodiscard]] Result<void> recover(Error error);
  void pause();
  void say_answers();

  // ---- /watch ----
  [[nodiscard]] Result<void> read_stream();
  [[nodiscard]] std::string stream_target() const;
  [[nodiscard]] bool take_piece(std::string_view piece, codec::EventReader& reader, Error& fault);
  [[nodiscard]] bool take_streamed(const codec::ServerSentEvent& streamed, Error& fault);
  void move_to(std::string_view id);

  // ---- /history ----
  [[nodiscard]] Result<void> read_history();
  [[nodiscard]] Result<Event> next_page();
  [[nodiscard]] Result<void> check(const Event& page);
  void take_listed(const Event& event);
  void note(const std::string& id, std::string_view kind);
  void say_uncertain();

  void tell(std::string_view kind, const Event& event);

  const Client& client_;
  const EventFilter filter_;
  const std::optional<std::uint64_t> since_;
  std::optional<std::uint64_t> position_;    ///< all up to here is told; none: not begun
  std::optional<std::uint64_t> generation_;  ///< that position_ is of; none: not known yet
  const EventTaker taker_;
  std::unordered_map<std::string, bool> matched_{};  ///< by id: what was told last, if the filter narrows
  std::optional<std::uint64_t> out_of_reach_;        ///< the position from which /watch couldn't go on
  std::chrono::milliseconds pause_{0};
  std::size_t page_events_ = 500;
  bool behind_ = false;     ///< /history is to be read first
  bool streaming_ = false;  ///< this connection's stream has begun
  bool away_ = false;       ///< that it didn't answer was said
  bool uncertain_ = false;  ///< so was that a `gone` or `removed` may be missing
  bool enough_ = false;
};

/// The instance that an event is about, or the declaration of a service; null if there is neither.
[[nodiscard]] const boost::json::value& subject_of(const boost::json::value& event);

/// A whole number's member; 0 if there is none.
[[nodiscard]] std::uint64_t number_of(const boost::json::value& object, std::string_view member);

}  // namespace rollcall::cli
