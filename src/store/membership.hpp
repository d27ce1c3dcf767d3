#pragma once
// Where the nodes that share a log meet: who they are, which heartbeats each has heard, who holds which office.
//
// Every node reports a few times per ttl; what it gets back are the others' reports. Heartbeats travel as digests,
// which stay until the reaper has written down what they say. An office is held by one node at a time: the first that
// asks, until its process ends or says nothing for a while.
#include <string>
#include <string_view>
#include <vector>

#include "store/store.hpp"

namespace rollcall {

/// The office of who judges leases. Each time it passes to a node, a new term begins.
inline constexpr std::string_view kReaperOffice = "reaper";

/// How nodes are told apart by people.
struct NodeCard {
  std::string name;     ///< no two members have the same
  std::string address;  ///< where it is asked, as it tells itself
  std::string version;
};

struct NodeRound {
  NodeId node;
  Round round;
  friend bool operator==(const NodeRound&, const NodeRound&) = default;
};

/// What a member tells.
struct Report {
  Round round;                       ///< rises
  std::string digest{};              ///< of heartbeats; empty: none
  std::vector<NodeRound> heard{};    ///< up to which round it knew of each other member when the digest was begun
  Revision revision{};               ///< up to which it has applied the log
  std::vector<NodeRound> fence{};    ///< members to end, unless they have reported after that round
  std::vector<NodeRound> settled{};  ///< digests up to these rounds have been written down and may go
};

struct Member {
  NodeId id;
  NodeCard card;
  Round round;
  std::vector<NodeRound> heard;
  Revision revision;
};

/// A digest of another node.
struct Digest {
  NodeRound of;
  std::string beats;
};

/// What a member hears.
struct Minutes {
  bool ended = false;                ///< it is no member any more, and nothing was taken: it has to join again
  std::vector<Member> members;       ///< itself included
  std::vector<Digest> digests;       ///< that this handle hasn't been given yet, each node's in order
  std::vector<std::string> offices;  ///< of those it stands for, the ones that it holds
  Term term;                         ///< its own as the reaper; 0 where it isn't
  NodeId reaper;                     ///< who became it last
  Revision revision;                 ///< of the log
};

/// One node's handle. Its calls block, and come from one thread at a time, which isn't the Store's: heartbeats spread
/// while a commit waits. After a failure the offices may be another's, until meet() tells.
class Membership {
 public:
  virtual ~Membership() = default;

  [[nodiscard]] virtual NodeId self() const = 0;

  /// Becomes a member with round 0, standing for these offices. An earlier life under the same name is ended; its
  /// digests stay. `conflict`: a living process has that name.
  [[nodiscard]] virtual Result<Minutes> join(const NodeCard& card, const std::vector<std::string>& offices) = 0;

  /// After an error it may have been taken or not.
  [[nodiscard]] virtual Result<Minutes> meet(const Report& report) = 0;

  /// The last report: gives up all offices and the membership.
  [[nodiscard]] virtual Result<void> leave(const Report& last) = 0;
};

}  // namespace rollcall
