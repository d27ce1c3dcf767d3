#include "server/probe_once.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "discovery/probe/dicom_echo.hpp"
#include "discovery/probe/web_probe.hpp"

namespace rollcall {
namespace {

namespace asio = boost::asio;

probe::WebAnswer ask(const asio::ip::tcp::endpoint& endpoint, std::chrono::milliseconds timeout) {
  asio::io_context context(1);
  auto pending = asio::co_spawn(context,
                                probe::ask_web({.endpoint = endpoint,
                                                .host_header = {},
                                                .authorization = {},
                                                .connect_timeout = timeout,
                                                .answer_timeout = timeout}),
                                asio::use_future);
  context.run();
  return pending.get();
}

/// Of what accepts connections but doesn't speak HTTP.
PortAnswer ask_dicom(const asio::ip::tcp::endpoint& endpoint, std::chrono::milliseconds timeout, std::string evidence) {
  const auto seconds = std::max(std::chrono::seconds{1}, std::chrono::ceil<std::chrono::seconds>(timeout));
  const auto echo = probe::DicomEcho::make()->echo(endpoint.address(), endpoint.port(), seconds);
  PortAnswer answer{.kind = "tcp", .evidence = std::move(evidence)};
  if (echo == probe::EchoResult::answered || echo == probe::EchoResult::rejected) {
    answer.kind = "dicom";
    answer.evidence = echo == probe::EchoResult::answered ? "answered C-ECHO" : "refused C-ECHO, in DICOM";
  }
  return answer;
}

}  // namespace

Result<PortAnswer> probe_once(asio::ip::tcp::endpoint endpoint, std::chrono::milliseconds timeout) {
  auto web = ask(endpoint, timeout);
  if (!web.is_http && web.connected) return ask_dicom(endpoint, timeout, std::move(web.evidence));
  if (!web.is_http) {
    const bool unknown = web.outcome == probe::Outcome::no_evidence;
    return fail(unknown ? ErrorCode::unavailable : ErrorCode::not_found, std::move(web.evidence));
  }
  PortAnswer answer{.kind = web.outcome == probe::Outcome::answered ? "orthanc" : "http",
                    .locked = web.locked,
                    .server = std::move(web.server),
                    .evidence = std::move(web.evidence),
                    .response_time_ms = web.response_time_ms};
  if (web.identity) {
    answer.name = web.identity->name;
    answer.aet = web.identity->aet;
    answer.version = web.identity->version;
  }
  return answer;
}

}  // namespace rollcall
