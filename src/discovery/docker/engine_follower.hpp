#pragma once
// Keeps what is reported of an engine in step with it. Three coroutines on one thread: one reads the stream of events,
// one asks (all of it first, then whatever has changed) and alone alters what is known, one polls for what no event
// tells of.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "discovery/docker/container_sighting.hpp"
#include "discovery/docker/docker_provider.hpp"
#include "discovery/docker/engine_client.hpp"
#include "discovery/docker/follow_list.hpp"
#include "discovery/docker/ledger.hpp"
#include "discovery/docker/report.hpp"
#include "discovery/docker/sample_orders.hpp"
#include "discovery/docker/swarm_book.hpp"

namespace rollcall::docker {

class EngineFollower {
 public:
  struct Parts {
    boost::asio::io_context& io;
    EngineClient& client;
    const DockerConfig& config;
    const Clock& clock;
    ProviderSink& sink;
    Report& report;
  };

  /// It outlives the io_context.
  explicit EngineFollower(const Parts& parts);

  // On the thread that runs the io_context, all of these.
  void start(Provider::Known known);
  void refresh(DockerProvider::RefreshDone done);
  [[nodiscard]] std::vector<RunningContainer> running_containers() const;
  [[nodiscard]] Result<AgentWishes> node_reports(const std::string& node, const AgentReport& report);
  void order_samples(const ServiceName& service, SampleOrders::Done done);

  /// When the io_context has stopped, and before it ends.
  void drop_timer() { wake_.reset(); }

 private:
  template <class T = void>
  using Awaitable = boost::asio::awaitable<T>;
  void spawn(Awaitable<> coroutine, const char* what);
  Awaitable<> pause(Duration length);

  // The stream of events.
  Awaitable<> follow_events();
  void take_event(std::string_view line);
  void take_container_event(const EngineEvent& event);

  // What asks. It alone alters the book and the ledgers.
  Awaitable<> work();
  Awaitable<> list_all();
  Awaitable<Result<void>> list_everything();
  Awaitable<Result<void>> list_swarm();
  Awaitable<Result<std::vector<Container>>> list_containers();
  Awaitable<Result<void>> put_containers(std::vector<Container> containers);
  Awaitable<Result<void>> look_at_nodes();
  Awaitable<Result<void>> look_at_services(std::vector<std::string> ids);
  Awaitable<Result<void>> look_at_containers(std::vector<std::string> ids);
  Awaitable<Result<void>> look_at_what_is_due();
  Awaitable<Result<void>> report_plain(std::vector<Container> containers);
  void report_container(const Container& container);
  void leave_out_taken(const Container& container, std::vector<Sighting>& sightings);
  void end_container(const std::string& id);
  void put_health(const std::vector<Container>& containers);
  void put_looked(const std::vector<std::string>& ids, std::vector<Service> services, std::vector<Task> tasks);
  void leave_swarm();
  bool report_service(const std::string& id);
  Awaitable<> put_swarm(std::vector<Service> services, std::vector<Task> tasks);
  std::vector<std::string> reconcile();
  void answer_refreshes(const Result<void>& outcome);
  void tell_counts();

  // What polls. It only touches what differs.
  Awaitable<> poll();
  Awaitable<Result<void>> poll_once();
  Awaitable<Result<void>> poll_services();
  Awaitable<Result<void>> poll_tasks();
  Awaitable<Result<void>> poll_role();
  [[nodiscard]] bool events_tell_of_all_tasks() const;
  [[nodiscard]] bool has_agent(const std::string& node) const;
  std::size_t agents_of_late();

  void touch_service(const std::string& id);
  void want_list(MonoTime when);
  void failed(const Error& error);
  void wake();
  [[nodiscard]] std::string services_path(const std::vector<std::string>& ids) const;
  [[nodiscard]] static std::string tasks_path(std::vector<std::string> service_ids = {});
  [[nodiscard]] std::string engine_address() const;
  [[nodiscard]] MonoTime now() const { return parts_.clock.now(); }

  const Parts parts_;
  std::optional<boost::asio::steady_timer> wake_;  // of what asks
  SwarmBook book_;
  Ledger swarm_, plain_;
  Provider::Known known_;
  FollowList services_, containers_;
  std::unordered_map<std::string, MonoTime> agents_;  // by node, when its agent last reported
  SampleOrders orders_;
  std::unordered_map<std::string, ContainerDetails> details_;     // of plain containers: they never change
  std::unordered_map<std::string, RunningContainer> plain_runs_;  // by container
  std::map<std::string, LabelWarning> clashes_;                   // by container: its id is another's
  EngineInfo info_;
  bool hears_ = false;  // the stream of events is open
  bool knows_ = false;  // everything has been listed since it was opened
  bool nodes_wanted_ = false, containers_wanted_ = false;
  std::optional<MonoTime> list_due_;
  Duration retry_pause_;
  std::vector<DockerProvider::RefreshDone> refreshes_;
  std::size_t services_hash_ = 0, tasks_hash_ = 0;
  MonoTime tasks_due_, refresh_due_, role_due_;
};

}  // namespace rollcall::docker
