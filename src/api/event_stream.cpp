#include "api/event_stream.hpp"

#include <fmt/format.h>

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <iterator>
#include <span>
#include <string>
#include <utility>

#include "api/follow.hpp"
#include "codec/json.hpp"

namespace rollcall::api {
namespace {

using http::Hurry;

constexpr std::size_t kNoticesAtOnce = 256;

class EventStream final : public http::BodyStream {
 public:
  EventStream(const StreamParts& parts, Filter filter, StreamPosition position, StreamForm form)
      : parts_(parts),
        filter_(std::move(filter)),
        form_(form),
        position_(position),
        last_sent_(parts_.clock.now()),
        follow_(parts_.catalog, parts_.own, filter_.service, position.revision) {}

  /// Why it can't begin at its position.
  [[nodiscard]] Result<void> check() {
    auto readable = follow_.watcher().next(0);
    return readable ? Result<void>() : std::unexpected(std::move(readable.error()));
  }

  void start(http::Wake wake) override {
    follow_.start(std::move(wake));
    schedule_keepalive();
  }

  State pull(std::string& out, std::size_t room, Hurry hurry) override {
    const auto now = parts_.clock.now();
    if (!greeted_) greet(out);
    const auto state = tell(out, room, hurry);
    if (!out.empty()) last_sent_ = now;
    if (state == State::dry && now >= keepalive_due_) keep_alive(out, now);
    return state;
  }

 private:
  // A client that loses the connection before the first event knows from where to go on as well.
  void greet(std::string& out) {
    greeted_ = true;
    const auto [generation, revision] = position_;
    say(out, "ready", fmt::format(R"({{"generation":{},"revision":{}}})", generation.value, revision.value));
  }

  State tell(std::string& out, std::size_t room, Hurry hurry) {
    while (out.size() < room) {
      if (waiting_.empty()) {
        const auto more = read(out);
        if (!more) return end(out, more.error().message);
        if (waiting_.empty()) return hurry == Hurry::no ? State::dry : end(out, "the daemon stops: come back");
      }
      tell_one(out, *waiting_.front());
      waiting_.pop_front();
    }
    return State::more;
  }

  Result<void> read(std::string& out) {
    auto& watcher = follow_.watcher();
    const auto behind = watcher.behind();
    const bool too_slow = behind > parts_.limits.backlog;
    auto notices = watcher.next(too_slow ? behind : kNoticesAtOnce);
    if (!notices) return std::unexpected(std::move(notices.error()));
    if (too_slow) {
      coalesce(out, *notices);
    } else {
      waiting_.assign(notices->begin(), notices->end());
    }
    return {};
  }

  // Of each instance the newest event alone, seen from what the reader was told of it last.
  void coalesce(std::string& out, std::span<const NoticePtr> notices) {
    boost::unordered_flat_map<std::string_view, InstancePtr> before;
    boost::unordered_flat_map<std::string_view, Revision> newest;
    for (const auto& notice : notices) {
      before.try_emplace(notice->event->instance->id.view(), notice->before);
      newest[notice->event->instance->id.view()] = notice->event->revision;
    }
    for (const auto& notice : notices) {
      const auto id = notice->event->instance->id.view();
      if (newest[id] != notice->event->revision) continue;
      waiting_.push_back(std::make_shared<const Notice>(notice->event, before[id], parts_.catalog.event_encoder()));
    }
    say(out, "coalesced", fmt::format(R"({{"events":{},"instances":{}}})", notices.size(), waiting_.size()));
  }

  void tell_one(std::string& out, const Notice& notice) {
    position_.revision = notice.event->revision;
    const bool was = notice.before && filter_.matches(*notice.before);
    const bool removed = notice.event->kind == EventKind::removed;
    const bool is = !removed && filter_.matches(*notice.event->instance);
    if (!was && !is) return;
    say(out, is || removed ? codec::shown_kind(*notice.event) : "gone", notice.json());
  }

  State end(std::string& out, std::string_view reason) {
    std::string data = "{\"reason\":";
    codec::append_string(data, reason);
    say(out, "end", data += '}');
    return State::ended;
  }

  // The timer isn't set anew for each event: it looks whether there was one. The id moves on past what the filter keeps
  // back, so that a later return doesn't begin too far behind.
  void keep_alive(std::string& out, MonoTime now) {
    if (now >= last_sent_ + parts_.limits.keepalive) {
      const auto [generation, revision] = position_;
      if (form_ == StreamForm::lines) {
        say(out, "alive", "{}");
      } else {
        fmt::format_to(std::back_inserter(out), "id: {}-{}\n:\n\n", generation.value, revision.value);
      }
      last_sent_ = now;
    }
    schedule_keepalive();
  }

  void schedule_keepalive() {
    keepalive_due_ = last_sent_ + parts_.limits.keepalive;
    follow_.wake_at(keepalive_due_);
  }

  // With the position behind it: where to go on after it.
  void say(std::string& out, std::string_view event, std::string_view data) const {
    const auto [generation, revision] = position_;
    constexpr auto kEvent = "id: {}-{}\nevent: {}\ndata: {}\n\n";
    constexpr auto kLine = "{{\"id\":\"{}-{}\",\"event\":\"{}\",\"data\":{}}}\n";
    const auto form = fmt::runtime(form_ == StreamForm::lines ? kLine : kEvent);
    fmt::format_to(std::back_inserter(out), form, generation.value, revision.value, event, data);
  }

  const StreamParts parts_;
  const Filter filter_;
  const StreamForm form_;
  StreamPosition position_;
  MonoTime last_sent_;
  MonoTime keepalive_due_{};
  Follow follow_;
  std::deque<NoticePtr> waiting_;
  bool greeted_ = false;
};

}  // namespace

Result<std::unique_ptr<http::BodyStream>> open_event_stream(const StreamParts& parts, Filter filter,
                                                            StreamPosition position, StreamForm form) {
  if (position.generation != parts.catalog.generation() || position.revision > parts.catalog.revision()) {
    return fail(ErrorCode::compacted, "the log has been replaced: read what is there now, and go on from its revision");
  }
  auto stream = std::make_unique<EventStream>(parts, std::move(filter), position, form);
  if (auto ok = stream->check(); !ok) return std::unexpected(std::move(ok.error()));
  return stream;
}

}  // namespace rollcall::api
