// GET /watch: events as they happen, as server-sent events (docs/api.md).
#include <boost/unordered/unordered_flat_map.hpp>
#include <charconv>
#include <deque>

#include "api/answers.hpp"
#include "api/follow.hpp"
#include "api/list_filter.hpp"
#include "api/query.hpp"
#include "codec/json.hpp"
#include "model/validate.hpp"

namespace rollcall::api {
namespace {

using http::Hurry;

constexpr std::size_t kNoticesAtOnce = 256;

struct Position {
  Generation generation;
  Revision revision;
};

class EventStream final : public http::BodyStream {
 public:
  EventStream(PartsPtr parts, Filter filter, Position position)
      : parts_(std::move(parts)),
        filter_(std::move(filter)),
        position_(position),
        last_sent_(parts_->clock.now()),
        follow_(parts_->catalog, parts_->own, filter_.service, position.revision) {}

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
    const auto now = parts_->clock.now();
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
    append_id(out);
    out += "event: ready\ndata: {\"generation\":";
    append_number(out, position_.generation.value);
    out += ",\"revision\":";
    append_number(out, position_.revision.value);
    out += "}\n\n";
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
    const bool too_slow = behind > parts_->limits.watch.backlog;
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
      waiting_.push_back(std::make_shared<const Notice>(notice->event, before[id], parts_->catalog.event_encoder()));
    }
    out += "event: coalesced\ndata: {\"events\":";
    append_number(out, notices.size());
    out += ",\"instances\":";
    append_number(out, waiting_.size());
    out += "}\n\n";
  }

  void tell_one(std::string& out, const Notice& notice) {
    position_.revision = notice.event->revision;
    const bool was = notice.before && filter_.matches(*notice.before);
    const bool removed = notice.event->kind == EventKind::removed;
    const bool is = !removed && filter_.matches(*notice.event->instance);
    if (!was && !is) return;
    append_id(out);
    out += "event: ";
    out += is || removed ? name_of(notice.event->kind) : "gone";
    out += "\ndata: ";
    out += notice.json();
    out += "\n\n";
  }

  State end(std::string& out, std::string_view reason) {
    out += "event: end\ndata: {\"reason\":";
    codec::append_string(out, reason);
    out += "}\n\n";
    return State::ended;
  }

  // The timer isn't set anew for each event: it looks whether there was one. The id moves on past what the filter keeps
  // back, so that a later return doesn't begin too far behind.
  void keep_alive(std::string& out, MonoTime now) {
    if (now >= last_sent_ + parts_->limits.watch.keepalive) {
      append_id(out);
      out += ":\n\n";
      last_sent_ = now;
    }
    schedule_keepalive();
  }

  void schedule_keepalive() {
    keepalive_due_ = last_sent_ + parts_->limits.watch.keepalive;
    follow_.wake_at(keepalive_due_);
  }

  void append_id(std::string& out) const {
    out += "id: ";
    append_number(out, position_.generation.value);
    out += '-';
    append_number(out, position_.revision.value);
    out += '\n';
  }

  const PartsPtr parts_;
  const Filter filter_;
  Position position_;
  MonoTime last_sent_;
  MonoTime keepalive_due_{};
  Follow follow_;
  std::deque<NoticePtr> waiting_;
  bool greeted_ = false;
};

Result<Filter> filter_of(const ApiParts& parts, std::string_view query) {
  const auto listed = list_filter_among(query);
  if (!listed) return std::unexpected(listed.error());
  const auto service = http::query_value(query, "service");
  if (!service) return std::unexpected(service.error());
  Filter filter{.service = {}, .id = {}, .status = listed->status, .source = listed->source, .tag = listed->tag};
  if (!*service) return filter;
  if (auto ok = validate_name(**service, "service", parts.limits.model); !ok) return std::unexpected(ok.error());
  filter.service = ServiceName(**service);
  return filter;
}

/// "GENERATION-REVISION", as the stream's ids are.
std::optional<Position> parse_id(std::string_view text) {
  Position position;
  const auto* const end = text.data() + text.size();
  const auto generation = std::from_chars(text.data(), end, position.generation.value);
  if (generation.ec != std::errc{} || generation.ptr == end || *generation.ptr != '-') return std::nullopt;
  const auto revision = std::from_chars(generation.ptr + 1, end, position.revision.value);
  if (revision.ec != std::errc{} || revision.ptr != end) return std::nullopt;
  return position;
}

/// Where to begin: at Last-Event-ID, which a browser sends when it comes back; at ?since=; or now.
Result<Position> position_of(const ApiParts& parts, const Request& request) {
  Position position{parts.catalog.generation(), parts.catalog.revision()};
  const auto since = whole_number(request.query, "since", 0, kMaxRevision);
  if (!since) return std::unexpected(since.error());
  const auto generation = whole_number(request.query, "generation", 0, kMaxRevision);
  if (!generation) return std::unexpected(generation.error());
  auto wanted = position;
  if (*since) wanted.revision = Revision{**since};
  if (*generation) wanted.generation = Generation{**generation};
  if (!request.last_event_id.empty()) {
    const auto last = parse_id(request.last_event_id);
    if (!last) return fail(ErrorCode::invalid, "is GENERATION-REVISION, as this stream's ids are", "last-event-id");
    wanted = *last;
  }
  if (wanted.generation != position.generation || wanted.revision > position.revision) {
    return fail(ErrorCode::compacted, "the log has been replaced: read what is there now, and go on from its revision");
  }
  return wanted;
}

Result<Response> get_watch(const PartsPtr& parts, const Request& request) {
  if (auto ok = http::check_query(request.query, {"service", "tag", "source", "status", "since", "generation"}); !ok) {
    return std::unexpected(ok.error());
  }
  auto filter = filter_of(*parts, request.query);
  if (!filter) return std::unexpected(std::move(filter.error()));
  const auto position = position_of(*parts, request);
  if (!position) return std::unexpected(position.error());
  auto stream = std::make_unique<EventStream>(parts, *std::move(filter), *position);
  if (auto ok = stream->check(); !ok) return std::unexpected(std::move(ok.error()));
  Response answer;
  answer.content_type = "text/event-stream";
  answer.headers.push_back({"X-Accel-Buffering", "no"});  // nginx would collect the events otherwise
  answer.stream = std::move(stream);
  return answer;
}

}  // namespace

void add_watch(http::Router& router, const PartsPtr& parts) {
  router.add(http::Method::get, "/watch", http::SyncHandler([parts](const Request& request) -> Response {
               auto answer = get_watch(parts, request);
               return answer ? *std::move(answer) : http::problem(answer.error());
             }));
}

}  // namespace rollcall::api
