#include "store/postgres/postgres_sample_board.hpp"

#include <map>
#include <optional>

#include "store/postgres/database.hpp"
#include "store/postgres/node_rounds.hpp"
#include "store/sample_row.hpp"

namespace rollcall {
namespace postgres {
namespace {

using std::chrono::milliseconds;

class PostgresSampleBoard final : public SampleBoard {
 public:
  PostgresSampleBoard(PostgresOptions options, ConnectionInfo info, NodeId self, milliseconds kept, const Clock& clock)
      : options_(std::move(options)), info_(std::move(info)), self_(self), kept_(kept), clock_(clock) {}

  Result<std::vector<SampleNews>> exchange(const SampleNews& told) override {
    auto heard = try_exchange(told);
    if (heard) return *std::move(heard);
    database_.reset();
    return std::unexpected(to_error(heard.error()));
  }

 private:
  Db<std::vector<SampleNews>> try_exchange(const SampleNews& told) {
    if (auto opened = ensure_open(); !opened) return std::unexpected(std::move(opened.error()));
    std::vector<Call> calls;
    if (!told.empty()) {
      calls.push_back(
          call(Sql::put_samples,
               Parameters().number(self_.value).number(++round_.value).bytes(to_row(told, clock_.wall_now()))));
      calls.push_back(call(Sql::drop_samples, Parameters().number(static_cast<std::uint64_t>(kept_.count()))));
    }
    calls.push_back(call(Sql::samples_after, two_columns(heard_).number(self_.value)));
    auto rows = database_->run(calls);
    if (!rows) return std::unexpected(std::move(rows.error()));
    return read(rows->back(), clock_.wall_now());
  }

  Db<void> ensure_open() {
    if (database_) return {};
    auto opened = open_database(options_, info_, OpenMode::again);
    if (!opened) return std::unexpected(std::move(opened.error()));
    database_.emplace(std::move(*opened));
    return {};
  }

  /// What a node of another version tells may be nothing that this one can read: it is left out.
  std::vector<SampleNews> read(const Rows& rows, WallTime now) {
    std::vector<SampleNews> all;
    for (int row = 0; row < rows.size(); ++row) {
      heard_[NodeId{rows.number(row, 0)}] = Round{rows.number(row, 1)};
      const milliseconds age(rows.number(row, 2));
      auto news = read_sample_row(rows.bytes(row, 3), now - age);
      if (news) all.push_back(*std::move(news));
    }
    return all;
  }

  const PostgresOptions options_;
  const ConnectionInfo info_;
  const NodeId self_;
  const milliseconds kept_;
  const Clock& clock_;
  std::optional<Database> database_;  ///< none after a failure, until it is opened again
  Round round_;
  std::map<NodeId, Round> heard_;
};

}  // namespace
}  // namespace postgres

Result<std::unique_ptr<SampleBoard>> open_postgres_sample_board(const PostgresOptions& options, NodeId self,
                                                                std::chrono::milliseconds kept, const Clock& clock) {
  auto info = postgres::read_connection_string(options.connection);
  if (!info) return std::unexpected(std::move(info.error()));
  return std::make_unique<postgres::PostgresSampleBoard>(options, std::move(*info), self, kept, clock);
}

}  // namespace rollcall
