#pragma once
// Who probes: this daemon, if it is alone; of several nodes the one that holds the office of a range; or each of them,
// with a view of its own.
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/io_executor.hpp"
#include "server/discovery.hpp"
#include "server/settings.hpp"

namespace rollcall {

class Probing {
 public:
  using Parts = ProviderParts;

  /// The offices that these settings make a node stand for: one a range, unless every node looks for itself.
  [[nodiscard]] static std::vector<std::string> offices_of(const Settings& settings);

  /// `offices`: of offices_of(), or none where nobody else probes the same. `own_view`: the node's name, where each has
  /// a view of its own.
  Probing(const Parts& parts, const ProbeConfig& config, const std::vector<std::string>& offices, std::string own_view);
  ~Probing();

  /// Probes what needs no office.
  void start();
  /// Any thread: from now on it probes what these offices are for, and nothing else of that kind.
  void hold(std::vector<std::string> offices);
  void stop();

  /// Any thread. What keeps it from seeing all that it should; empty when nothing does.
  [[nodiscard]] std::string trouble() const;

 private:
  struct Area {
    std::string office;           ///< empty: it needs none
    std::set<std::string> hosts;  ///< whose instances are this area's
    std::unique_ptr<RegistrySink> sink;
    std::unique_ptr<Provider> provider;
    bool probes = false;
  };

  void add_area(const ProbeConfig& config, std::string office);
  void probe(Area& area);
  static void end(Area& area);
  [[nodiscard]] std::vector<InstancePtr> known_in(const Area& area) const;

  const Parts parts_;
  const std::string suffix_;  ///< of ids
  std::vector<Area> areas_;
  net::IoExecutor thread_{"rollcall-probes"};  ///< to end a provider takes up to a second
};

}  // namespace rollcall
