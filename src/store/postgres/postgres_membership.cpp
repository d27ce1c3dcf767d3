#include "store/postgres/postgres_membership.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <type_traits>

#include "store/postgres/database.hpp"
#include "store/postgres/node_rounds.hpp"

namespace rollcall {
namespace postgres {
namespace {

constexpr std::string_view kLockNotAvailable = "55P03";

std::string text_of(const std::vector<NodeRound>& heard) {
  std::string text;
  for (const auto& [node, round] : heard) text += fmt::format("{}:{} ", node.value, round.value);
  return text;
}

std::vector<NodeRound> heard_in(std::string_view text) {
  std::vector<NodeRound> heard;
  const char* next = text.data();
  const char* const end = next + text.size();
  while (next != end) {
    NodeRound one;
    const auto node = std::from_chars(next, end, one.node.value);
    if (node.ec != std::errc() || node.ptr == end) break;
    const auto round = std::from_chars(node.ptr + 1, end, one.round.value);
    if (round.ec != std::errc()) break;
    heard.push_back(one);
    next = round.ptr == end ? end : round.ptr + 1;
  }
  return heard;
}

class PostgresMembership final : public Membership {
 public:
  PostgresMembership(PostgresOptions options, ConnectionInfo info, NodeId self)
      : options_(std::move(options)), info_(std::move(info)), self_(self) {}

  NodeId self() const override { return self_; }

  Result<Minutes> join(const NodeCard& card, const std::vector<std::string>& offices) override {
    card_ = card;
    stands_for_ = offices;
    return answered([&] { return try_join(); });
  }
  Result<Minutes> meet(const Report& report) override {
    return answered([&] { return try_meet(report); });
  }
  Result<void> leave(const Report& last) override {
    return answered([&] { return try_leave(last); });
  }

 private:
  /// After a failure the session, with the offices that it held, is no more.
  template <class Work>
  auto answered(Work work) -> Result<typename std::invoke_result_t<Work>::value_type> {
    const auto opened = ensure_open();
    if (!opened) return std::unexpected(end_session(opened.error()));
    auto done = work();
    if (!done) return std::unexpected(end_session(done.error()));
    if constexpr (std::is_void_v<typename std::invoke_result_t<Work>::value_type>) {
      return {};
    } else {
      return std::move(*done);
    }
  }

  Error end_session(const Failure& failure) {
    database_.reset();
    offices_.clear();
    term_ = {};
    if (failure.sqlstate != kLockNotAvailable) return to_error(failure);
    return {ErrorCode::conflict, fmt::format("another node is called \"{}\"", card_.name), "cluster.node"};
  }

  Db<void> ensure_open() {
    if (database_) return {};
    auto opened = open_database(options_, info_, OpenMode::again);
    if (!opened) return std::unexpected(std::move(opened.error()));
    if (generation_ && opened->generation != generation_) {
      return damaged("the schema " + options_.schema + " has been exchanged for another log");
    }
    generation_ = opened->generation;
    database_.emplace(std::move(*opened));
    return take_name();
  }

  /// A session of ours that was killed may take a moment to end. One that says nothing for a while, because its process
  /// is stopped or cut off, is ended by the server, and others take its offices.
  Db<void> take_name() {
    const auto patience = fmt::format("{}", options_.waits.request_timeout.count() / 2);
    const auto silence = fmt::format("{}", options_.waits.silent_session.count());
    auto done = database_->run({setting("idle_session_timeout", silence), setting("lock_timeout", patience),
                                call(Sql::lock_name, Parameters().bytes(options_.schema + " " + card_.name))});
    if (!done) return std::unexpected(std::move(done.error()));
    return {};
  }

  static Call setting(std::string name, std::string value) {
    return call(Sql::set_for_session, Parameters().bytes(std::move(name)).bytes(std::move(value)));
  }

  Db<Minutes> try_join() {
    const auto self = self_.value;
    auto done = database_->run(
        {call(Sql::begin_write), call(Sql::end_namesakes, Parameters().bytes(card_.name).number(self)),
         call(
             Sql::join,
             Parameters().number(self).bytes(card_.name).bytes(readable(card_.address)).bytes(readable(card_.version))),
         call(Sql::commit)});
    if (!done) return std::unexpected(std::move(done.error()));
    return hear({});
  }

  Db<Minutes> try_meet(const Report& report) {
    auto calls = calls_to_tell(report);
    calls.push_back(call(Sql::commit));
    return hear(std::move(calls));
  }

  Db<void> try_leave(const Report& last) {
    auto calls = calls_to_tell(last);
    calls.push_back(call(Sql::leave, Parameters().number(self_.value)));
    calls.push_back(call(Sql::commit));
    calls.push_back(call(Sql::unlock));
    auto done = database_->run(calls);
    if (!done) return std::unexpected(std::move(done.error()));
    database_.reset();
    offices_.clear();
    term_ = {};
    return {};
  }

  /// Up to the commit. The second one says whether this node is a member.
  [[nodiscard]] std::vector<Call> calls_to_tell(const Report& report) const {
    std::vector<Call> calls{call(Sql::begin_write), call(Sql::report, Parameters()
                                                                          .number(self_.value)
                                                                          .number(report.round.value)
                                                                          .bytes(text_of(report.heard))
                                                                          .number(report.revision.value))};
    if (!report.digest.empty()) {
      calls.push_back(
          call(Sql::put_digest, Parameters().number(self_.value).number(report.round.value).bytes(report.digest)));
    }
    if (!report.settled.empty()) calls.push_back(call(Sql::drop_digests, two_columns(report.settled)));
    if (!report.fence.empty()) calls.push_back(call(Sql::fence, two_columns(report.fence)));
    return calls;
  }

  /// In one round trip after `told`, and one more where a term begins. Members are read before digests: what they have
  /// reported up to the rounds that they show is there.
  Db<Minutes> hear(std::vector<Call> told) {
    const std::size_t first = told.size();
    told.push_back(call(Sql::take_offices, Parameters().array(offices_to_take()).bytes(options_.schema)));
    told.push_back(call(Sql::members));
    told.push_back(call(Sql::digests_after, two_columns(given_).number(self_.value)));
    told.push_back(call(Sql::standing));
    auto rows = database_->run(told);
    if (!rows) return std::unexpected(std::move(rows.error()));
    Minutes minutes;
    minutes.ended = first != 0 && rows->at(1).size() == 0;
    note_offices(rows->at(first));
    take_members(rows->at(first + 1), minutes);
    if (!minutes.ended) take_digests(rows->at(first + 2), minutes);
    return conclude(rows->at(first + 3), std::move(minutes));
  }

  [[nodiscard]] Array offices_to_take() const {
    Array wanted(Type::text);
    for (const auto& office : stands_for_) {
      if (!holds(office)) wanted.add(office);
    }
    return wanted;
  }

  [[nodiscard]] bool holds(std::string_view office) const {
    return std::ranges::find(offices_, office) != offices_.end();
  }

  void note_offices(const Rows& rows) {
    for (int row = 0; row < rows.size(); ++row) offices_.emplace_back(rows.bytes(row, 0));
  }

  static void take_members(const Rows& rows, Minutes& minutes) {
    for (int row = 0; row < rows.size(); ++row) {
      minutes.members.push_back({.id = NodeId{rows.number(row, 0)},
                                 .card = {.name = std::string(rows.bytes(row, 1)),
                                          .address = std::string(rows.bytes(row, 2)),
                                          .version = std::string(rows.bytes(row, 3))},
                                 .round = Round{rows.number(row, 4)},
                                 .heard = heard_in(rows.bytes(row, 5)),
                                 .revision = Revision{rows.number(row, 6)}});
    }
  }

  void take_digests(const Rows& rows, Minutes& minutes) {
    for (int row = 0; row < rows.size(); ++row) {
      const NodeRound of{NodeId{rows.number(row, 0)}, Round{rows.number(row, 1)}};
      given_[of.node] = of.round;
      minutes.digests.push_back({of, std::string(rows.bytes(row, 2))});
    }
  }

  Db<Minutes> conclude(const Rows& standing, Minutes minutes) {
    if (standing.size() != 1) return damaged("the log's head is missing");
    minutes.revision = Revision{standing.number(0, 0)};
    minutes.reaper = NodeId{standing.number(0, 2)};
    if (!term_ && holds(kReaperOffice)) {
      auto begun = database_->run({call(Sql::begin_term, Parameters().number(self_.value))});
      if (!begun) return std::unexpected(std::move(begun.error()));
      term_ = Term{begun->front().number(0, 0)};
      minutes.reaper = self_;
    }
    minutes.term = term_;
    minutes.offices = offices_;
    return minutes;
  }

  const PostgresOptions options_;
  const ConnectionInfo info_;
  const NodeId self_;
  NodeCard card_;
  std::vector<std::string> stands_for_;
  Generation generation_;
  std::optional<Database> database_;  ///< none after a failure, until it is opened again
  std::vector<std::string> offices_;  ///< the session's
  Term term_;
  std::map<NodeId, Round> given_;  ///< the newest digest of each node that was handed out: never twice
};

}  // namespace
}  // namespace postgres

Result<std::unique_ptr<Membership>> open_postgres_membership(const PostgresOptions& options, NodeId self) {
  auto info = postgres::read_connection_string(options.connection);
  if (!info) return std::unexpected(std::move(info.error()));
  return std::make_unique<postgres::PostgresMembership>(options, std::move(*info), self);
}

}  // namespace rollcall
