#pragma once
// Every bound has a name, a default and a place (style.md 12). Configuration may change each; docs/configuration.md
// lists them.
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace rollcall {

struct ModelLimits {
  std::size_t name_bytes = 255;  ///< service names, instance ids, sessions
  std::size_t address_bytes = 255;
  std::size_t tags = 64;
  std::size_t tag_bytes = 255;
  std::size_t metadata_entries = 64;
  std::size_t metadata_key_bytes = 128;
  std::size_t metadata_value_bytes = 4096;
  std::size_t labels = 256;              ///< of a declared service
  std::size_t labels_bytes = 64 * 1024;  ///< of all of its labels, keys and values
  std::size_t reason_bytes = 512;
  std::size_t retired_sessions = 16;  ///< remembered per id, each for RegistryLimits::tombstone_life
  std::size_t check_target_bytes = 2048;
  std::chrono::milliseconds ttl_default{30'000};
  std::chrono::milliseconds ttl_min{1'000};
  std::chrono::milliseconds ttl_max{3'600'000};
  std::chrono::milliseconds deregister_after_max{7 * 24 * 3'600'000LL};
  std::chrono::milliseconds check_interval_default{10'000};
  std::chrono::milliseconds check_interval_min{1'000};
  std::chrono::milliseconds check_interval_max{3'600'000};
  std::chrono::milliseconds check_timeout_default{5'000};
};

/// Of the connections of one protocol.
struct ConnectionLimits {
  std::size_t connections = 20'000;
  std::chrono::milliseconds request_timeout{10'000};  ///< from a request's first byte to its last
  std::chrono::milliseconds idle_timeout{60'000};     ///< between requests, and for a reader that takes nothing
  std::chrono::milliseconds linger_timeout{1'000};    ///< for a peer to read the last answer before the close
};

struct HttpLimits : ConnectionLimits {
  std::size_t header_bytes = 16 * 1024;
  std::size_t body_bytes = 1024 * 1024;
  std::size_t pipelined_requests = 64;       ///< answered in one write
  std::size_t pipelined_bytes = 256 * 1024;  ///< of answers held before they are written
  std::size_t stream_bytes = 64 * 1024;      ///< of a streamed body, taken at once
  std::size_t gzip_min_bytes = 1024;         ///< of a body that is compressed for who asks for it; 0: none is
  std::size_t gzip_at_once = 64;             ///< bodies of one I/O thread, each with 256 KiB; beyond it they go plain
  std::size_t heartbeats_per_call = 10'000;
  std::size_t history_page = 1'000;
  // Of one HTTP/2 connection.
  std::size_t h2_streams = 256;                   ///< requests in hand at one time
  std::size_t h2_window_bytes = 256 * 1024;       ///< that the peer may send ahead
  std::size_t h2_bodies_bytes = 8 * 1024 * 1024;  ///< of the requests in hand; beyond it, one is refused
  std::size_t h2_output_bytes = 256 * 1024;       ///< made ready before it is written; beyond it, nothing is read
  std::size_t h2_resets_per_minute = 1'000;       ///< requests given up; beyond it, the connection is ended
};

struct SocketLimits : ConnectionLimits {
  SocketLimits() : ConnectionLimits{.idle_timeout = std::chrono::milliseconds{120'000}} {}
  std::size_t line_bytes = 4 * 1024;
  std::size_t frame_header_bytes = 1'024;
  std::size_t frame_bytes = 64 * 1024;  ///< of a frame's content
  std::size_t pipelined_commands = 1'024;
  std::size_t pipelined_bytes = 256 * 1024;     ///< of answers held before they are written
  std::size_t bound_per_connection = 1'024;     ///< instances
  std::chrono::milliseconds ttl{30'000};        ///< of what is registered; queries show who beat within it
  std::chrono::milliseconds keepalive{10'000};  ///< of silence, until the peer's kernel is asked whether it is there
  std::size_t complaints_per_second = 10;       ///< log lines about refused commands, for each I/O thread
};

struct RegistryLimits {
  std::size_t queued_commands = 65'536;  ///< beyond it, a command is refused as overloaded
  std::size_t changes_per_commit = 512;
  std::size_t expiries_per_commit = 256;
  std::chrono::milliseconds tombstone_life{3'600'000};
};

struct StoreLimits {
  std::chrono::milliseconds history_age{7 * 24 * 3'600'000LL};
  std::size_t history_bytes = std::size_t{1} << 30;
  std::size_t prune_events = 1'024;                 ///< dropped by one call, so that commits wait for no more than that
  std::size_t history_scan = 65'536;                ///< events that one history query looks at
  std::vector<std::string> outboxes{};              ///< that keep history until they have confirmed it
  std::size_t outbox_bytes = std::size_t{2} << 30;  ///< of history, beyond which they don't
};

/// Of what is published to others.
struct PublishLimits {
  std::size_t events_per_batch = 256;  ///< read from the log at one time
  std::chrono::milliseconds retry_first{200};
  std::chrono::milliseconds retry_longest{5'000};
  std::chrono::milliseconds idle_turn{1'000};      ///< between looks at a connection that carries nothing
  std::chrono::milliseconds save_interval{1'000};  ///< between positions written down
  std::chrono::milliseconds list_interval{1'000};  ///< between lists of all services, at least
  std::chrono::milliseconds health_interval{30'000};
  std::chrono::milliseconds webhook_timeout{10'000};  ///< of one request
};

/// Of a wait for a PostgreSQL server that answers nothing.
struct PostgresLimits {
  std::chrono::milliseconds connect_timeout{1'000};  ///< for each host of several
  std::chrono::milliseconds request_timeout{2'000};  ///< for each exchange; a commit is three
  std::chrono::milliseconds silent_session{
      3'000};  ///< until the server ends the session of a node that reports nothing
};

/// Of the nodes that share a log.
struct ClusterLimits {
  std::chrono::milliseconds fence_after{10'000};  ///< of silence, until the others go on without a node
  std::chrono::milliseconds shortest_round{100};  ///< nodes meet ten times in the shortest ttl, within these
  std::chrono::milliseconds longest_round{1'000};
  std::chrono::milliseconds answer_within{900};       ///< writes, when the log doesn't
  std::chrono::milliseconds sample_interval{1'000};   ///< nodes tell each other what they sampled
  std::chrono::milliseconds sample_patience{10'000};  ///< with a sample that another node is to take
};

/// Of a Docker engine that is followed.
struct DockerLimits {
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds answer_timeout{30'000};   ///< of one whole answer
  std::size_t answer_bytes = std::size_t{256} << 20;  ///< 10,000 tasks take some 30 MB
  std::size_t event_bytes = 1024 * 1024;              ///< of one event; a longer one is dropped
  std::chrono::milliseconds retry_shortest{100};      ///< of an engine that isn't there, doubled each time
  std::chrono::milliseconds retry_longest{5'000};
  std::chrono::milliseconds agent_silence{3'000};  ///< from then on its node is polled again
  std::chrono::milliseconds agent_timeout{5'000};  ///< of figures that are asked of an agent
  std::size_t services_per_question = 50;          ///< asked for by their ids; beyond it, several questions
  std::size_t warnings = 1'000;                    ///< about labels that are kept
};

struct CatalogLimits {
  std::size_t recent_events = 65'536;  ///< what a watch can resume from without the Store
};

struct WatchLimits {
  std::chrono::milliseconds wait_default{30'000};  ///< of ?index= without ?wait=
  std::chrono::milliseconds wait_max{600'000};
  std::chrono::milliseconds keepalive{15'000};  ///< of silence, until a stream says that it is still there
  std::size_t backlog = 1'024;                  ///< events; who is further behind gets each instance's newest alone
};

/// Of what is remembered of services' use of processors and memory.
struct MetricsLimits {
  std::chrono::milliseconds step{60'000};  ///< from one look to the next, and between what is remembered
  std::chrono::milliseconds history{3'600'000};
  std::size_t history_bytes = 64 * 1024 * 1024;
  std::size_t parallel = 200;           ///< containers whose figures are asked for at one time
  std::size_t report_entries = 10'000;  ///< tasks in one report of an agent, and samples
};

struct Limits {
  ModelLimits model;
  WatchLimits watch;
  HttpLimits http;
  SocketLimits socket;
  RegistryLimits registry;
  StoreLimits store;
  PostgresLimits postgres;
  ClusterLimits cluster;
  CatalogLimits catalog;
  MetricsLimits metrics;
  PublishLimits publish;
};

}  // namespace rollcall
