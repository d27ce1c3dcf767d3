#include "store/postgres/connection.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <optional>
#include <system_error>

namespace rollcall::postgres {
namespace {

using std::chrono::milliseconds;

Failure lost_because(std::string message) { return {Failure::Kind::lost, std::move(message), {}}; }
Failure silent(std::string message) { return {Failure::Kind::silent, std::move(message), {}}; }

std::string name_of_statement(std::size_t index) { return fmt::format("rollcall_{}", index); }

struct KeywordArrays {
  std::vector<const char*> names, values;
};

/// What is ours to say where the connection string doesn't; the first of two alike counts least.
KeywordArrays with_defaults(const Keywords& host, const std::string& patience_ms) {
  KeywordArrays arrays;
  const auto add = [&arrays](const char* name, const char* value) {
    arrays.names.push_back(name);
    arrays.values.push_back(value);
  };
  add("fallback_application_name", "rollcall");
  add("tcp_user_timeout", patience_ms.c_str());
  add("keepalives_idle", "10");
  add("keepalives_interval", "5");
  add("keepalives_count", "3");
  for (const auto& [name, value] : host) add(name.c_str(), value.c_str());
  add("client_encoding", "UTF8");
  add(nullptr, nullptr);
  return arrays;
}

/// FATAL and PANIC: the session is gone with the statement.
bool ends_session(const PGresult* result) {
  const char* severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  return severity == nullptr || std::strcmp(severity, "ERROR") != 0;
}

/// What the settings say of TLS, where that may be why a server isn't connected to. libpq's words don't tell which
/// authority it looked at.
std::string tls_behind(std::string_view refusal, PGconn* handle) {
  constexpr std::string_view kSigns[] = {"SSL", "certificate", "private key", "encryption"};
  constexpr std::string_view kSettings[] = {"sslmode", "sslrootcert", "sslcert"};
  if (std::ranges::none_of(kSigns, [&](auto sign) { return refusal.contains(sign); })) return {};
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfo(handle), PQconninfoFree);
  std::string text;
  for (const auto* option = options.get(); option != nullptr && option->keyword != nullptr; ++option) {
    const bool is_meant = std::ranges::find(kSettings, std::string_view(option->keyword)) != std::end(kSettings);
    if (is_meant && option->val != nullptr && *option->val != '\0') {
      text += fmt::format("{}{}={}", text.empty() ? " (" : " ", option->keyword, option->val);
    }
  }
  return text.empty() ? text : text + ")";
}

bool can_be_read(int descriptor) {
  pollfd one{.fd = descriptor, .events = POLLIN, .revents = 0};
  return ::poll(&one, 1, 0) > 0;
}

bool send(PGconn* handle, const Call& call) {
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const auto& value : call.parameters.values()) {
    values.push_back(value ? value->data() : nullptr);
    lengths.push_back(value ? static_cast<int>(value->size()) : 0);
  }
  const std::vector<int> binary(values.size(), 1);
  return PQsendQueryPrepared(handle, name_of_statement(call.statement).c_str(), static_cast<int>(values.size()),
                             values.data(), lengths.data(), binary.data(), 1) != 0;
}

}  // namespace

std::string_view Rows::bytes(int row, int column) const noexcept {
  return {PQgetvalue(result_.get(), row, column), static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

Db<Connection> Connection::open(const ConnectionInfo& info, milliseconds patience, int end) {
  std::string reasons;
  for (const auto& host : info.hosts) {
    auto opened = open_one(info, host, patience, end);
    if (opened || can_be_read(end)) return opened;
    reasons += reasons.empty() ? "" : "; ";
    reasons += opened.error().message;
  }
  return std::unexpected(lost_because(std::move(reasons)));
}

Db<Connection> Connection::open_one(const ConnectionInfo& info, const Keywords& host, milliseconds patience, int end) {
  const auto patience_ms = std::to_string(patience.count());
  const auto arrays = with_defaults(host, patience_ms);
  Connection connection(PQconnectStartParams(arrays.names.data(), arrays.values.data(), 0), info, end);
  if (connection.handle() == nullptr) return std::unexpected(lost_because("no memory for a connection"));
  PQsetNoticeProcessor(connection.handle(), [](void*, const char*) noexcept {}, nullptr);
  const MonoTime deadline = connection.clock_.now() + patience;
  auto state = PQstatus(connection.handle()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED) return std::unexpected(connection.refusal());
    if (!connection.wait(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline)) {
      return std::unexpected(
          silent(fmt::format("{} didn't answer within {} ms", name_of_host(host), patience.count())));
    }
    state = PQconnectPoll(connection.handle());
  }
  PQsetnonblocking(connection.handle(), 1);
  return connection;
}

std::string Connection::parameter(const char* name) const {
  const char* value = PQparameterStatus(handle(), name);
  return value == nullptr ? "" : value;
}

Failure Connection::lost() const { return lost_because(presentable(PQerrorMessage(handle()), secrets_)); }

Failure Connection::refusal() const {
  auto failure = lost();
  failure.message += tls_behind(failure.message, handle());
  return failure;
}

Failure Connection::failure_of(const PGresult* result) const {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (state == nullptr) return lost();
  const char* said = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const bool gone = ends_session(result) || PQstatus(handle()) == CONNECTION_BAD;
  return {gone ? Failure::Kind::lost : Failure::Kind::refused, presentable(said == nullptr ? "" : said, secrets_),
          state};
}

Db<void> Connection::wait(short events, MonoTime deadline) const {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - clock_.now());
    pollfd both[] = {{.fd = PQsocket(handle()), .events = events, .revents = 0},
                     {.fd = end_, .events = POLLIN, .revents = 0}};  // poll() passes over -1
    const int ready = left.count() <= 0 ? 0 : ::poll(both, std::size(both), static_cast<int>(left.count()));
    if (ready > 0 && both[1].revents != 0) return std::unexpected(lost_because("nobody waits any longer"));
    if (ready > 0) return {};
    if (ready == 0) return std::unexpected(silent("the server didn't answer in time"));
    if (errno != EINTR) return std::unexpected(lost_because(std::generic_category().message(errno)));
  }
}

Db<void> Connection::flush(MonoTime deadline) {
  for (;;) {
    const int left = PQflush(handle());
    if (left == 0) return {};
    if (left < 0) return std::unexpected(lost());
    // A server that can't get rid of its answers reads no further.
    if (auto ready = wait(POLLIN | POLLOUT, deadline); !ready) return ready;
    if (PQconsumeInput(handle()) == 0) return std::unexpected(lost());
  }
}

Db<PGresult*> Connection::next(MonoTime deadline) {
  while (PQisBusy(handle()) != 0) {
    if (auto ready = wait(POLLIN, deadline); !ready) return std::unexpected(std::move(ready.error()));
    if (PQconsumeInput(handle()) == 0) return std::unexpected(lost());
  }
  return PQgetResult(handle());
}

Db<Rows> Connection::rows_of_statement(MonoTime deadline) {
  auto result = next(deadline);
  if (!result) return std::unexpected(std::move(result.error()));
  if (*result == nullptr) return std::unexpected(lost_because("an answer is missing"));
  Rows rows(*result);
  const auto status = PQresultStatus(*result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) return std::unexpected(failure_of(*result));
  const auto end = next(deadline);
  if (!end) return std::unexpected(end.error());
  return rows;
}

/// The mark that the server sends when it has seen everything.
Db<void> Connection::end_of_round_trip(MonoTime deadline) {
  auto result = next(deadline);
  if (!result) return std::unexpected(std::move(result.error()));
  const Rows owned(*result);
  if (*result != nullptr && PQresultStatus(*result) == PGRES_PIPELINE_SYNC) return {};
  return std::unexpected(*result == nullptr ? lost() : failure_of(*result));
}

Db<Rows> Connection::execute(const std::string& sql, milliseconds patience) {
  const MonoTime deadline = clock_.now() + patience;
  if (PQsendQuery(handle(), sql.c_str()) == 0) return std::unexpected(lost());
  if (auto sent = flush(deadline); !sent) return std::unexpected(std::move(sent.error()));
  Rows last(nullptr);
  std::optional<Failure> failure;
  for (;;) {
    auto result = next(deadline);
    if (!result) return std::unexpected(std::move(result.error()));
    if (*result == nullptr) break;
    last = Rows(*result);
    const auto status = PQresultStatus(*result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && !failure) failure = failure_of(*result);
  }
  if (failure) return std::unexpected(std::move(*failure));
  return last;
}

Db<void> Connection::prepare(std::span<const std::string> statements, milliseconds patience) {
  const MonoTime deadline = clock_.now() + patience;
  if (PQenterPipelineMode(handle()) == 0) return std::unexpected(lost());
  for (std::size_t i = 0; i < statements.size(); ++i) {
    if (PQsendPrepare(handle(), name_of_statement(i).c_str(), statements[i].c_str(), 0, nullptr) == 0) {
      return std::unexpected(lost());
    }
  }
  if (PQpipelineSync(handle()) == 0) return std::unexpected(lost());
  if (auto sent = flush(deadline); !sent) return sent;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    if (auto rows = rows_of_statement(deadline); !rows) return std::unexpected(std::move(rows.error()));
  }
  return end_of_round_trip(deadline);
}

Db<std::vector<Rows>> Connection::run(const std::vector<Call>& calls, milliseconds patience) {
  const MonoTime deadline = clock_.now() + patience;
  for (const Call& call : calls) {
    if (!send(handle(), call)) return std::unexpected(lost());
  }
  if (PQpipelineSync(handle()) == 0) return std::unexpected(lost());
  if (auto sent = flush(deadline); !sent) return std::unexpected(std::move(sent.error()));
  std::vector<Rows> answers;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto rows = rows_of_statement(deadline);
    if (!rows) return std::unexpected(std::move(rows.error()));
    answers.push_back(std::move(*rows));
  }
  if (auto ended = end_of_round_trip(deadline); !ended) return std::unexpected(std::move(ended.error()));
  return answers;
}

Db<std::vector<std::string>> Connection::notices(milliseconds patience) {
  const MonoTime deadline = clock_.now() + patience;
  std::vector<std::string> heard;
  for (;;) {
    if (PQconsumeInput(handle()) == 0) return std::unexpected(lost());
    while (PGnotify* notice = PQnotifies(handle())) {
      const std::unique_ptr<PGnotify, decltype(&PQfreemem)> owned(notice, PQfreemem);
      heard.emplace_back(notice->extra);
    }
    if (!heard.empty()) return heard;
    auto ready = wait(POLLIN, deadline);
    if (!ready && ready.error().kind == Failure::Kind::silent) return heard;
    if (!ready) return std::unexpected(std::move(ready.error()));
  }
}

}  // namespace rollcall::postgres
