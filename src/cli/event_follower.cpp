#include "cli/event_follower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <charconv>
#include <thread>
#include <utility>

#include "http/message.hpp"

namespace rollcall::cli {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr auto kShortestPause = 100ms;
constexpr auto kLongestPause = 5'000ms;
// Four times what `watch.keepalive` is unless configured. Who is silent for longer is asked anew, which loses nothing.
constexpr auto kSilence = 60'000ms;
constexpr std::size_t kMostEventBytes = std::size_t{16} << 20;

bool may_pass(const Error& error) { return exit_code_of(error.code) == exit_code_of(ErrorCode::unavailable); }

void say(std::string_view text) { fmt::print(stderr, "rollcall: {}\n", text); }

const json::value& member_of(const json::value& object, std::string_view name) {
  static const json::value kNone;
  const auto* members = object.if_object();
  const auto* value = members == nullptr ? nullptr : members->if_contains(name);
  return value == nullptr ? kNone : *value;
}

void add_parameter(std::string& target, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  target += fmt::format("{}{}={}", target.contains('?') ? '&' : '?', name, http::percent_encode_segment(value));
}

}  // namespace

const json::value& subject_of(const json::value& event) {
  const auto& instance = member_of(event, "instance");
  return instance.is_object() ? instance : member_of(event, "declaration");
}

std::uint64_t number_of(const json::value& object, std::string_view member) {
  const auto text = text_of(object, member);
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool EventFilter::matches(const json::value& instance) const {
  const auto is = [&](std::string_view member, const std::string& wanted) {
    return wanted.empty() || text_of(instance, member) == wanted;
  };
  const auto& tags = list_of(instance, "tags");
  const bool tagged = tag.empty() || std::ranges::any_of(tags, [this](const json::value& one) {
                        return one.is_string() && std::string_view(one.get_string()) == tag;
                      });
  return tagged && is("source", source) && is("status", status);
}

Result<void> EventFollower::run() {
  while (true) {
    streaming_ = false;
    auto read = behind_ ? read_history() : read_stream();
    taker_.rest();
    if (enough_) return {};
    if (read) continue;
    if (auto ok = recover(std::move(read.error())); !ok) return ok;
  }
}

// ---- what goes wrong ----

Result<void> EventFollower::recover(Error error) {
  if (error.code == ErrorCode::compacted && !behind_) {
    behind_ = true;
    if (std::exchange(out_of_reach_, position_) == position_) pause();
    return {};
  }
  if (!may_pass(error)) return std::unexpected(std::move(error));
  // Nothing was heard for long: whether that means anything, the next question tells.
  if (streaming_ && error.code == ErrorCode::timeout) return {};
  if (!std::exchange(away_, true)) complain(error);
  pause();
  return {};
}

void EventFollower::pause() {
  pause_ = std::clamp(2 * pause_, std::chrono::milliseconds(kShortestPause), std::chrono::milliseconds(kLongestPause));
  std::this_thread::sleep_for(pause_);
}

void EventFollower::say_answers() {
  if (std::exchange(away_, false)) say("the daemon answers again");
}

// ---- /watch ----

Result<void> EventFollower::read_stream() {
  codec::EventReader reader(kMostEventBytes);
  Error fault{ErrorCode::unavailable, "the daemon ended the stream", {}};
  const auto take = [&](std::string_view piece) { return take_piece(piece, reader, fault); };
  if (auto followed = client_.follow(stream_target(), take, kSilence); !followed) return followed;
  if (behind_) return {};
  return std::unexpected(std::move(fault));
}

std::string EventFollower::stream_target() const {
  std::string target = "/watch";
  add_parameter(target, "service", filter_.service);
  add_parameter(target, "tag", filter_.tag);
  add_parameter(target, "source", filter_.source);
  add_parameter(target, "status", filter_.status);
  if (position_) add_parameter(target, "since", std::to_string(*position_));
  if (generation_) add_parameter(target, "generation", std::to_string(*generation_));
  return target;
}

bool EventFollower::take_piece(std::string_view piece, codec::EventReader& reader, Error& fault) {
  if (!reader.feed(piece)) {
    fault = {ErrorCode::incompatible, "the daemon's stream has an event that is too long", {}};
    return false;
  }
  while (const auto streamed = reader.next()) {
    if (!take_streamed(*streamed, fault)) return false;
    move_to(reader.last_id());
  }
  move_to(reader.last_id());
  taker_.rest();
  return true;
}

bool EventFollower::take_streamed(const codec::ServerSentEvent& streamed, Error& fault) {
  boost::system::error_code broken;
  const auto data = json::parse(streamed.data, broken);
  if (broken) {
    fault = {ErrorCode::incompatible, "the daemon's stream has an event that isn't JSON", {}};
    return false;
  }
  if (streamed.name == "ready") {
    generation_ = number_of(data, "generation");
    streaming_ = true;
    pause_ = 0ms;
    say_answers();
  } else if (streamed.name == "coalesced") {
    behind_ = true;  // it leaves out events from here on, which /history has
    return false;
  } else if (streamed.name == "end") {
    fault.message = text_of(data, "reason");
    return false;
  } else if (subject_of(data).is_object()) {
    tell(streamed.name, data);
  }
  return !enough_;
}

/// "GENERATION-REVISION"
void EventFollower::move_to(std::string_view id) {
  const auto dash = id.find('-');
  if (dash == id.npos) return;
  std::uint64_t revision = 0;
  std::from_chars(id.data() + dash + 1, id.data() + id.size(), revision);
  position_ = std::max(position_.value_or(0), revision);
}

// ---- /history ----

Result<void> EventFollower::read_history() {
  // What the page before called the newest was in the log when this one was read: nothing up to there is missing.
  std::optional<std::uint64_t> newest_before;
  while (true) {
    const auto page = next_page();
    if (!page) return std::unexpected(page.error());
    say_answers();
    for (const auto& event : list_of(*page, "events")) {
      take_listed(event);
      if (enough_) return {};
    }
    taker_.rest();
    const auto resume = number_of(*page, "resume");
    position_ = std::max(*position_, resume > 0 ? resume : newest_before.value_or(0));
    if (resume == 0 && newest_before) break;
    newest_before = number_of(*page, "revision");
  }
  behind_ = false;
  return {};
}

Result<json::value> EventFollower::next_page() {
  auto target = fmt::format("/history?order=asc&after={}", *position_);
  if (page_events_ > 0) add_parameter(target, "limit", std::to_string(page_events_));
  add_parameter(target, "service", filter_.service);
  auto page = client_.get(std::move(target));
  if (!page && page.error().field == "limit" && page_events_ > 0) {
    page_events_ = 0;  // the daemon's own
    return next_page();
  }
  if (!page) return page;
  if (auto ok = check(*page); !ok) return std::unexpected(ok.error());
  return page;
}

Result<void> EventFollower::check(const json::value& page) {
  if (number_of(page, "generation") != generation_.value_or(number_of(page, "generation"))) {
    return fail(ErrorCode::compacted, "the daemon's registry was replaced; start the watch anew");
  }
  generation_ = number_of(page, "generation");
  const auto oldest = number_of(page, "oldest");
  if (*position_ > 0 && *position_ + 1 < oldest) {
    return fail(ErrorCode::compacted,
                fmt::format("revisions after {} are no longer kept; the oldest is {}", *position_, oldest));
  }
  if (const auto newest = number_of(page, "revision"); position_ == since_ && *position_ > newest) {
    return fail(ErrorCode::invalid, fmt::format("is {}; the newest revision is {}", *position_, newest), "--since");
  }
  return {};
}

// What /watch would have made of it.
void EventFollower::take_listed(const json::value& event) {
  position_ = std::max(*position_, number_of(event, "revision"));
  const auto kind = text_of(event, "kind");
  const auto& instance = subject_of(event);
  const bool is = filter_.matches(instance);
  if (is || !filter_.narrows()) return tell(kind, event);
  if (kind == "declared" || kind == "withdrawn") return;
  const auto id = text_of(instance, "id");
  const auto before = matched_.find(id);
  if (before == matched_.end()) {
    if (kind != "registered") say_uncertain();
    note(id, kind == "removed" ? kind : "gone");
  } else if (before->second) {
    tell(kind == "removed" ? kind : "gone", event);
  }
}

void EventFollower::note(const std::string& id, std::string_view kind) {
  if (kind == "removed") {
    matched_.erase(id);
  } else {
    matched_[id] = kind != "gone";
  }
}

void EventFollower::say_uncertain() {
  if (std::exchange(uncertain_, true)) return;
  say("the history, which is read first, doesn't tell who has left the filter: one of them may be missing");
}

void EventFollower::tell(std::string_view kind, const json::value& event) {
  if (filter_.narrows()) note(text_of(subject_of(event), "id"), kind);
  enough_ = !taker_.take(kind, event);
}

}  // namespace rollcall::cli
