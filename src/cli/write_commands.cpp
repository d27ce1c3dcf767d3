// register, heartbeat, deregister.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "base/random.hpp"
#include "cli/app.hpp"
#include "cli/registration.hpp"
#include "cli/run_command.hpp"

namespace rollcall::cli {
namespace {

namespace json = boost::json;

struct Named {
  std::string id;
  std::string session;
};

int register_once(const Program& program, const Registration& registration) {
  const auto client = Client::open(program.common());
  if (!client) return complain(client.error());
  const auto instance = send_registration(*client, registration);
  if (!instance) return complain(instance.error());
  if (program.common().json) {
    fmt::print("{}\n", json::serialize(*instance));
  } else {
    fmt::print("{}\n", text_of(*instance, "id"));
  }
  return 0;
}

/// A name and a session of this run's own, so that it can register again and never meets another's.
void name_run(Registration& registration) {
  SystemRandom random;
  if (registration.id.empty())
    registration.id = fmt::format("{}-{}", registration.service, make_uuid(random).substr(24));
  if (registration.session.empty()) registration.session = make_uuid(random);
}

int register_and_run(const Program& program, Registration registration) {
  const auto client = Client::open(program.common());
  if (!client) return complain(client.error());
  name_run(registration);
  KeptRegistration kept(*client, std::move(registration));
  if (const auto ok = kept.open(); !ok) return complain(ok.error());
  return run_command(program.command(), [&kept] { kept.start(); });
}

int acknowledge(const Common& common, const Result<void>& result, const std::string& id, std::string_view what) {
  if (!result) return complain(result.error());
  if (common.json) fmt::print("{}\n", json::serialize(json::object{{"id", id}, {"done", what}}));
  return 0;
}

int heartbeat(const Common& common, const Named& named) {
  const auto client = Client::open(common);
  if (!client) return complain(client.error());
  return acknowledge(common, send_heartbeat(*client, named.id, named.session), named.id, "heartbeat");
}

int deregister(const Common& common, const Named& named) {
  const auto client = Client::open(common);
  if (!client) return complain(client.error());
  return acknowledge(common, send_deregistration(*client, named.id, named.session), named.id, "deregistered");
}

void add_register(Program& program) {
  const auto values = std::make_shared<Registration>();
  auto& command = program.add_client(
      "register",
      "Register an instance and print its id. With -- COMMAND it runs that command, keeps the registration alive with "
      "heartbeats, registers anew if the daemon forgot it, passes signals on, deregisters when the command ends, and "
      "ends with its exit code (128 and the signal's number if one ended it). Where the daemon can't be reached the "
      "command runs all the same.",
      "  rollcall register billing --port 8080 --ttl 10s --tag eu\n"
      "  rollcall register billing --port 8080 -- python3 -m http.server 8080",
      [&program, values] {
        return program.command().empty() ? register_once(program, *values) : register_and_run(program, *values);
      });
  command.add_option("name", values->service, "The service")->required()->type_name("NAME");
  command.add_option("--id", values->id, "The instance's id; left out: one that nobody has")->type_name("ID");
  command.add_option("--address", values->address, "Where it is reached; left out: the address we come from")
      ->type_name("ADDRESS");
  command.add_option("--port", values->port, "Where it is reached")
      ->required()
      ->check(CLI::Range(1, 65'535))
      ->type_name("PORT");
  command.add_option("--tag", values->tags, "A tag; may be given several times")
      ->type_name("TAG")
      ->allow_extra_args(false);
  command.add_option("--meta", values->metadata, "An entry of its metadata; may be given several times")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_option("--ttl", values->ttl, "How long it lives without a heartbeat (default: the daemon's, 30s)")
      ->type_name("DURATION");
  command
      .add_option("--deregister-after", values->deregister_after,
                  "How long it then stays as critical (default: not at all)")
      ->type_name("DURATION");
  command
      .add_option("--session", values->session, "A word for this life of it; with -- COMMAND left out: a random one")
      ->type_name("WORD");
  command.add_option("--check", values->check, "What the daemon is to ask: tcp:ADDRESS:PORT or http://ADDRESS/PATH")
      ->type_name("TARGET");
  command.add_option("--check-interval", values->check_interval, "How often (default: the daemon's, 10s)")
      ->type_name("DURATION");
}

void add_named(CLI::App& command, Named& named) {
  command.add_option("id", named.id, "The instance")->required()->type_name("ID");
  command.add_option("--session", named.session, "The word that it was registered with")->type_name("WORD");
}

}  // namespace

void add_write_commands(Program& program) {
  add_register(program);
  const auto named = std::make_shared<Named>();
  add_named(program.add_client("heartbeat", "Say that an instance is alive; ends with 1 if it must be registered anew",
                               "  rollcall heartbeat billing-1",
                               [&program, named] { return heartbeat(program.common(), *named); }),
            *named);
  add_named(program.add_client("deregister", "Remove an instance", "  rollcall deregister billing-1",
                               [&program, named] { return deregister(program.common(), *named); }),
            *named);
}

}  // namespace rollcall::cli
