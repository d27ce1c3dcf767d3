#pragma once
// What runs outside of the daemons, as an orchestrator has it: services with their settings, and tasks. Nothing of it
// has a lease; in each process a provider tells of it while its node holds the office.
#include <map>
#include <string>
#include <vector>

#include "desk.hpp"
#include "discovery/provider.hpp"
#include "world.hpp"

namespace rollcall::sim {

class Observer;

class Orchestrator {
 public:
  Orchestrator(World& world, Desk& desk, std::deque<Node>& nodes);

  /// Something changes, and whoever observes hears of it; or somebody remarks on a service.
  void act();

  /// What there is of a service now: its settings and its tasks. Nothing of one that is gone.
  [[nodiscard]] std::vector<Sighting> sightings_of(const std::string& service) const;
  [[nodiscard]] std::vector<std::string> services() const;

  void add(Observer& observer) { observers_.push_back(&observer); }
  void remove(Observer& observer) { std::erase(observers_, &observer); }

  /// The log has what there is, and nothing else.
  void check_settled(const LogModel& log) const;

 private:
  struct Task {
    Status health = Status::passing;
    unsigned version = 0;
  };
  struct Service {
    bool there = false;
    ServiceName name;
    std::uint32_t replicas = 1;
    std::map<std::string, Task> tasks{};
  };

  void change(Service& service, const std::string& id);
  void remark();

  World& world_;
  Desk& desk_;
  std::deque<Node>& nodes_;
  SimRandom random_;
  std::map<std::string, Service> services_;
  std::vector<Observer*> observers_;
  unsigned versions_ = 0;
};

}  // namespace rollcall::sim
