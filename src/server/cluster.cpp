#include "server/cluster.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "base/random.hpp"
#include "net/endpoint.hpp"
#include "server/version.hpp"
#include "store/postgres/postgres_membership.hpp"
#include "store/postgres/postgres_sample_board.hpp"

namespace rollcall {
namespace {

/// A node that begins hears of so many looks back.
constexpr int kSampleLooks = 2;
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
                                               std::function<void(const std::vector<std::string>&)> offices_changed,
                                               const Clock& clock) {
  SystemRandom random;
  const NodeId self{1 + random.next() % kNodeIdMax};
  const auto options = postgres_options(settings);
  auto membership = open_postgres_membership(options, self);
  if (!membership) return std::unexpected(membership.error());
  auto board = open_postgres_sample_board(options, self, kSampleLooks * settings.limits.metrics.step, clock);
  if (!board) return std::unexpected(board.error());
  std::unique_ptr<Cluster> cluster(new Cluster(std::move(*membership), std::move(*board), clock));
  cluster->parts_.card = std::move(card);
  cluster->parts_.offices = std::move(offices);
  cluster->parts_.offices_changed = std::move(offices_changed);
  return cluster;
}

void Cluster::exchange_samples(SampleTable& samples, const Catalog& catalog, const ClusterLimits& limits,
                               SampleExchange::Take take) {
  samples_.emplace(SampleExchange::Parts{.board = *board_,
                                         .samples = samples,
                                         .catalog = catalog,
                                         .clock = clock_,
                                         .thread = sample_thread_,
                                         .limits = limits,
                                         .take = std::move(take)});
  samples_->start();
}

}  // namespace rollcall
