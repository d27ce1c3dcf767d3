#pragma once
// This daemon as one of several nodes, where they share a log in PostgreSQL.
#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "net/io_executor.hpp"
#include "registry/cluster.hpp"
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
      std::function<void(const std::vector<std::string>&)> offices_changed);

  [[nodiscard]] const ClusterParts& parts() const noexcept { return parts_; }
  void stop() { thread_.stop(); }

 private:
  explicit Cluster(std::unique_ptr<Membership> membership) : membership_(std::move(membership)) {}

  std::unique_ptr<Membership> membership_;
  net::IoExecutor thread_{"rollcall-meet"};
  ClusterParts parts_{*membership_, thread_, {}};
};

}  // namespace rollcall
