#pragma once
#include <set>
#include <string>

#include "log_model.hpp"
#include "process.hpp"
#include "world.hpp"

namespace rollcall::sim {

/// The catalog is the fold of the log up to its revision, in its instances and in its views.
class CatalogCheck {
 public:
  CatalogCheck(World& world, const LogModel& log) : world_(world), log_(log) {}
  /// Before the first event or after a restart.
  void begin(Process& process);
  void check();
  void end();

 private:
  void advance();
  void check_instances();
  void check_views();

  World& world_;
  const LogModel& log_;
  Process* process_ = nullptr;
  std::unique_ptr<CatalogReader> reader_;
  Revision reached_;
  LogModel::State state_;
  std::set<std::string> services_;
};

}  // namespace rollcall::sim
