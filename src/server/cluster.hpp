#pragma once
// This daemon as one of several nodes, where they share a log in PostgreSQL.
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>

#include "net/io_executor.hpp"
#include "registry/cluster.hpp"
#include "server/sample_exchange.hpp"
#include "server/settings.hpp"
#include "store/postgres/postgres_store.hpp"

namespace rollcall {

[[nodiscard]] PostgresOptions postgres_options(const Settings& settings);

/// `listening`: where HTTP is served.
[[nodiscard]] NodeCard card_of(const Settings& settings, const boost::asio::ip::tcp::endpoint& listening);

class Cluster {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Cluster>> open(
      const Settings& settings, NodeCard card, std::vector<std::string> offices,
      std::function<void(const std::vector<std::string>&)> offices_changed, const Clock& clock);

  [[nodiscard]] const ClusterParts& parts() const noexcept { return parts_; }
  /// From now on each node knows what the others sample.
  void exchange_samples(SampleTable& samples, const Catalog& catalog, const ClusterLimits& limits,
                        SampleExchange::Take take);
  /// Once they are exchanged.
  [[nodiscard]] SampleExchange& samples() noexcept { return *samples_; }
  void stop() {
    thread_.stop();
    sample_thread_.stop();
  }

 private:
  Cluster(std::unique_ptr<Membership> membership, std::unique_ptr<SampleBoard> board, const Clock& clock)
      : clock_(clock), membership_(std::move(membership)), board_(std::move(board)) {}

  const Clock& clock_;
  std::unique_ptr<Membership> membership_;
  std::unique_ptr<SampleBoard> board_;
  std::optional<SampleExchange> samples_;
  net::IoExecutor thread_{"rollcall-meet"};
  net::IoExecutor sample_thread_{"rollcall-sample"};
  ClusterParts parts_{*membership_, thread_, {}};
};

}  // namespace rollcall
