#pragma once
// From the log to messages: what an event means to those who follow services and instances.
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/event.hpp"
#include "model/service.hpp"
#include "publish/publisher.hpp"

namespace rollcall {

/// A fold over events. Of a service it keeps what its messages show, of an instance what its next event takes away.
class MessageFold {
 public:
  /// Starts from the state right after some revision.
  void start(std::span<const InstancePtr> state);

  /// The next event. Appends its messages, in the order in which they are to be read: a service is there before its
  /// first instance, and goes after its last.
  void apply(const Event& event, std::vector<Message>& messages);

 private:
  struct Tracked {
    Service service;
    std::vector<InstancePtr> declarations;  ///< records of it, the newest last: that is the one that is shown
    /// As an orchestrator's service it may be there without instances.
    [[nodiscard]] bool exists() const { return !declarations.empty() || service.counts.total() > 0; }
    void show_declaration();
  };
  struct Known {
    std::string service;
    Status status = Status::passing;
    bool declares = false;
  };

  Tracked& tracked(const ServiceName& name, WallTime at);
  void put(const InstancePtr& instance);
  void take(const Instance& instance);

  std::unordered_map<std::string, Tracked> services_;
  std::unordered_map<InstanceNumber, Known> known_;
};

/// Says that what happened after `position`, up to `to`, isn't told any more.
[[nodiscard]] Message gap_message(Revision position, Revision to, WallTime now);

}  // namespace rollcall
