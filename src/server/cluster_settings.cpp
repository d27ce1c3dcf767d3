#include <algorithm>

#include "server/setting_kinds.hpp"
#include "store/postgres/postgres_store.hpp"

namespace rollcall {
namespace {

constexpr std::size_t kNameBytes = 255;

/// What can stand in a header, a table's column and a log line.
bool is_plain(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytes &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

constexpr std::string_view kPlainForm = "up to 255 printable ASCII characters without blanks";

}  // namespace

std::vector<Setting> cluster_rows() {
  return {
      duration("postgres.connect_timeout", "Of connecting to one host, once its name is looked up",
               [](Settings& s) -> auto& { return s.limits.postgres.connect_timeout; }),
      duration("postgres.request_timeout", "Of one exchange with the server; a commit is three",
               [](Settings& s) -> auto& { return s.limits.postgres.request_timeout; }),
      duration("postgres.silent_session",
               "Until the server ends the session of a node that reports nothing, and others take its offices",
               [](Settings& s) -> auto& { return s.limits.postgres.silent_session; }),
      {"postgres.schema", "small letters, digits and _, at most 48, the first no digit",
       "Where the tables are; made if it isn't there",
       [](Settings& s, std::string_view text) { return s.postgres_schema = text, is_postgres_schema(text); },
       [](const Settings& s) { return s.postgres_schema; }},
      {"cluster.node", kPlainForm, "What this node is called; no two have the same. Unset: its host's name and port",
       [](Settings& s, std::string_view text) { return s.node.name = text, is_plain(text); },
       [](const Settings& s) { return s.node.name; }},
      {"cluster.address", kPlainForm, "Where the others' clients reach this node, as a URL. Unset: where it listens",
       [](Settings& s, std::string_view text) { return s.node.address = text, is_plain(text); },
       [](const Settings& s) { return s.node.address; }},
      toggle("probe.each_node", "Every node probes for itself, and what it finds has its name; else one of them does",
             [](Settings& s) -> auto& { return s.probe_each_node; }),
      duration("cluster.fence_after", "Silence of a node until the others go on without it",
               [](Settings& s) -> auto& { return s.limits.cluster.fence_after; }),
      duration("cluster.shortest_round", "Nodes meet ten times in the shortest ttl, but not more often than this",
               [](Settings& s) -> auto& { return s.limits.cluster.shortest_round; }),
      duration("cluster.longest_round", "Nor less often",
               [](Settings& s) -> auto& { return s.limits.cluster.longest_round; }),
      duration("cluster.answer_within", "Writes and consistent reads get 503 after it, whatever the database does",
               [](Settings& s) -> auto& { return s.limits.cluster.answer_within; }),
      duration("cluster.sample_interval", "Nodes tell each other so often what they have sampled",
               [](Settings& s) -> auto& { return s.limits.cluster.sample_interval; }),
      duration("cluster.sample_patience", "Of who asks one node for a new sample that another one has to take",
               [](Settings& s) -> auto& { return s.limits.cluster.sample_patience; }),
  };
}

}  // namespace rollcall
