#include "server/cluster.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "base/random.hpp"
#include "net/endpoint.hpp"
#include "server/version.hpp"
#include "store/postgres/postgres_membership.hpp"

namespace rollcall {
namespace {

constexpr std::uint64_t kNodeIdMax = (std::uint64_t{1} << 53) - 1;

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string("localhost");
}

}  // namespace

NodeCard card_of(const Settings& settings, const boost::asio::ip::tcp::endpoint& listening) {
  const bool anywhere = listening.address().is_unspecified();
  const auto reached_at = anywhere ? fmt::format("{}:{}", host_name(), listening.port()) : net::to_text(listening);
  const auto& [name, address] = settings.node;
  return {.name = name.empty() ? fmt::format("{}:{}", host_name(), listening.port()) : name,
          .address =
              address.empty() ? fmt::format("{}://{}", settings.tls.wanted() ? "https" : "http", reached_at) : address,
          .version = std::string(kVersion)};
}

PostgresOptions postgres_options(const Settings& settings) {
  return {.connection = settings.postgres_connection,
          .schema = settings.postgres_schema,
          .waits = settings.limits.postgres,
          .limits = settings.limits.store,
          .tombstone_life = settings.limits.registry.tombstone_life,
          .generation = {}};
}

Result<std::unique_ptr<Cluster>> Cluster::open(const Settings& settings, NodeCard card,
                                               std::vector<std::string> offices,
                                               std::function<void(const std::vector<std::string>&)> offices_changed) {
  SystemRandom random;
  auto membership = open_postgres_membership(postgres_options(settings), NodeId{1 + random.next() % kNodeIdMax});
  if (!membership) return std::unexpected(membership.error());
  std::unique_ptr<Cluster> cluster(new Cluster(std::move(*membership)));
  cluster->parts_.card = std::move(card);
  cluster->parts_.offices = std::move(offices);
  cluster->parts_.offices_changed = std::move(offices_changed);
  return cluster;
}

}  // namespace rollcall
