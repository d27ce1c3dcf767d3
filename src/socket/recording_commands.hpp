#pragma once
// Commands without a registry, for tests: keeps what is submitted until it is told the outcome.
#include <string>
#include <utility>
#include <vector>

#include "socket/commands.hpp"

namespace rollcall::socket {

class RecordingCommands final : public Commands {
 public:
  void heartbeat(std::span<const std::string_view> ids, std::span<Heard> heard) override {
    groups.push_back(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      heard[i] = ids[i].starts_with("doubt") ? Heard::undecided : ids[i] == "nobody" ? Heard::unknown : Heard::yes;
    }
  }

  std::string query(const ServiceName& service) override {
    return "[\"" + service.str() + " after " + std::to_string(told) + "\"]";
  }

  Result<std::unique_ptr<http::BodyStream>> watch(const codec::WatchCommand&) override {
    return fail(ErrorCode::compacted, "is too old", "revision");
  }

  void submit(codec::SocketCommand command, const Caller& caller, Done done) override {
    submitted.push_back({std::move(command), std::string(caller.address), caller.tie, std::move(done)});
  }

  TieId tie() override { return TieId{++last_tie}; }
  void untie(TieId tie, End end) override { untied.emplace_back(tie, end); }

  /// The outcome of the oldest submitted command that has none.
  void tell(Result<codec::SocketAnswer> outcome) { submitted[told++].done(std::move(outcome)); }
  void tell(std::string text) { tell(codec::SocketAnswer{codec::SocketAnswer::Kind::text, std::move(text)}); }

  struct Submitted {
    codec::SocketCommand command;
    std::string address;
    TieId tie;
    Done done;
  };
  std::vector<Submitted> submitted;
  std::size_t told = 0;
  std::vector<std::size_t> groups;  ///< how many heartbeats came at one go
  std::uint64_t last_tie = 0;
  std::vector<std::pair<TieId, End>> untied;
};

}  // namespace rollcall::socket
