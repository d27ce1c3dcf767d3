#include "api/socket_commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "api/event_stream.hpp"
#include "catalog/encoded_list.hpp"
#include "codec/shown_list.hpp"

namespace rollcall::api {
namespace {

using codec::SocketAnswer;
using socket::Caller;
using socket::Heard;
using socket::TieId;
using std::chrono::milliseconds;

Heard heard_of(BeatResult result) noexcept {
  switch (result) {
    case BeatResult::ok:
    case BeatResult::late:
      return Heard::yes;
    case BeatResult::undecided:
      return Heard::undecided;
    case BeatResult::unknown:
    case BeatResult::stale:  // not without a session
      return Heard::unknown;
  }
  std::unreachable();
}

class SocketCommands final : public socket::Commands {
 public:
  explicit SocketCommands(SocketParts parts) : parts_(std::move(parts)) {}

  void heartbeat(std::span<const std::string_view> ids, std::span<Heard> heard) override {
    std::array<BeatResult, 64> results;
    for (std::size_t begin = 0; begin < ids.size(); begin += results.size()) {
      const auto group = ids.subspan(begin, std::min(results.size(), ids.size() - begin));
      parts_.registry.heartbeat_many(group, std::span(results).first(group.size()), Source::socket);
      std::ranges::transform(std::span(results).first(group.size()), heard.subspan(begin).begin(), heard_of);
    }
  }

  std::string query(const ServiceName& service) override {
    std::string json = "[";
    if (const auto view = parts_.reader.find(service.view())) {
      view->instances->for_each_chunk([&](std::string_view chunk) { append_living(json, chunk); });
    }
    json += ']';
    return json;
  }

  Result<std::unique_ptr<http::BodyStream>> watch(const codec::WatchCommand& command) override {
    const StreamPosition position{parts_.catalog.generation(), command.after.value_or(parts_.catalog.revision())};
    Filter filter;
    filter.service = command.service;
    return open_event_stream({parts_.catalog, parts_.own, parts_.clock, parts_.limits.watch}, std::move(filter),
                             position, StreamForm::lines);
  }

  void submit(codec::SocketCommand command, const Caller& caller, Done done) override {
    std::visit([&](auto& wanted) { carry_out(std::move(wanted), caller, std::move(done)); }, command);
  }

  TieId tie() override { return parts_.bound->open(); }
  void untie(TieId tie, socket::End end) override { parts_.bound->close(tie, end); }

 private:
  // ---- queries ----

  void append_living(std::string& json, std::string_view chunk) const {
    codec::ShownList list(chunk);
    while (const auto instance = list.next()) {
      if (instance->status != name_of(Status::passing) || instance->port == "0") continue;
      if (instance->leased && !was_heard(instance->id)) continue;
      json += json.size() > 1 ? ",{\"ip\":\"" : "{\"ip\":\"";
      json += instance->address;
      json += "\",\"port\":";
      json += instance->port;
      json += '}';
    }
  }

  /// Within the protocol's own 30 s, whatever the lease's ttl.
  [[nodiscard]] bool was_heard(std::string_view escaped_id) const {
    const auto silence = escaped_id.contains('\\') ? parts_.registry.silence(codec::unescaped(escaped_id))
                                                   : parts_.registry.silence(escaped_id);
    return silence && silence->since_last_beat < parts_.limits.socket.ttl;
  }

  // ---- what waits for a commit ----

  void carry_out(codec::RegisterCommand wanted, const Caller& caller, Done done) {
    Register command;
    command.spec.service = std::move(wanted.service);
    command.spec.address = std::move(wanted.address);
    command.spec.port = wanted.port;
    command.spec.lease = LeaseTerms{.ttl = parts_.limits.socket.ttl, .deregister_after = milliseconds{0}};
    command.source = Source::socket;
    if (!wanted.bound_grace) return submit_register(std::move(command), std::move(done));
    if (*wanted.bound_grace > parts_.limits.socket.ttl) {
      const double seconds = std::chrono::duration<double>(parts_.limits.socket.ttl).count();
      return done(fail(ErrorCode::invalid, fmt::format("is out of range; allowed are 0 to {} s", seconds), "grace"));
    }
    command.spec.metadata.emplace_back(kBoundGraceKey, fmt::format("{}", wanted.bound_grace->count()));
    submit_bound(std::move(command), caller.tie, *wanted.bound_grace, std::move(done));
  }

  void submit_register(Register command, Done done) {
    parts_.registry.submit(std::move(command), [done = std::move(done)](const Result<Outcome>& outcome) mutable {
      if (!outcome) return done(std::unexpected(outcome.error()));
      done(SocketAnswer{SocketAnswer::Kind::text, outcome->instance->id.str()});
    });
  }

  void submit_bound(Register command, TieId tie, milliseconds grace, Done done) {
    if (!parts_.bound->reserve(tie)) return done(too_many());
    parts_.registry.submit(std::move(command), [bound = parts_.bound, tie, grace,
                                                done = std::move(done)](const Result<Outcome>& outcome) mutable {
      if (!outcome) {
        bound->release(tie);
        return done(std::unexpected(outcome.error()));
      }
      bound->bind(outcome->instance->id, tie, grace);
      done(SocketAnswer{SocketAnswer::Kind::text, outcome->instance->id.str()});
    });
  }

  [[nodiscard]] std::unexpected<Error> too_many() const {
    return fail(ErrorCode::overloaded,
                fmt::format("has {} instances; no more may be", parts_.limits.socket.bound_per_connection),
                "connection");
  }

  void carry_out(const codec::QueryCommand& wanted, const Caller&, Done done) {
    done(SocketAnswer{SocketAnswer::Kind::json, query(wanted.service)});
  }

  // Answered at once, by watch().
  void carry_out(const codec::WatchCommand&, const Caller&, Done done) { done(SocketAnswer::ok()); }

  // Tokens are the connection's business.
  void carry_out(const codec::AuthCommand&, const Caller&, Done done) { done(SocketAnswer::ok()); }

  void carry_out(codec::HeartbeatCommand wanted, const Caller&, Done done) {
    submit_beat(std::move(wanted.id), std::move(done));
  }

  void submit_beat(InstanceId id, Done done) {
    parts_.registry.submit(Beat{std::move(id), {}, Source::socket},
                           [done = std::move(done)](const Result<Outcome>& outcome) mutable {
                             if (!outcome) return done(std::unexpected(outcome.error()));
                             done(SocketAnswer::ok());
                           });
  }

  void carry_out(codec::DeregisterCommand wanted, const Caller& caller, Done done) {
    Deregister command{wanted.id, {}, Source::socket, {"socket", fmt::format("removed by {}", caller.address)}};
    parts_.registry.submit(std::move(command), [bound = parts_.bound, id = std::move(wanted.id),
                                                done = std::move(done)](const Result<Outcome>& outcome) mutable {
      if (!outcome) return done(std::unexpected(outcome.error()));
      bound->forget(id);
      done(SocketAnswer::ok());
    });
  }

  // Its grace ends before the beat is queued, so that no removal can come between; and one that came before is met by
  // the beat.
  void carry_out(codec::ResumeCommand wanted, const Caller& caller, Done done) {
    const auto instance = parts_.catalog.find_instance(wanted.id.view());
    if (!instance) return done(SocketAnswer::not_found());
    const auto grace = bound_grace_of(*instance);
    if (!grace) return done(fail(ErrorCode::forbidden, "was not registered as bound", "uuid"));
    if (!parts_.bound->reserve(caller.tie)) return done(too_many());
    parts_.bound->bind(wanted.id, caller.tie, *grace);
    submit_beat(wanted.id,
                [bound = parts_.bound, id = wanted.id, done = std::move(done)](Result<SocketAnswer> outcome) mutable {
                  if (!outcome && outcome.error().code == ErrorCode::not_found) bound->forget(id);
                  done(std::move(outcome));
                });
  }

  const SocketParts parts_;
};

}  // namespace

std::unique_ptr<socket::Commands> make_socket_commands(SocketParts parts) {
  return std::make_unique<SocketCommands>(std::move(parts));
}

}  // namespace rollcall::api
