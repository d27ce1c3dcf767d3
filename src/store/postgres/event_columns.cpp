#include "store/postgres/event_columns.hpp"

#include <fmt/format.h>

#include <unordered_map>

#include "store/event_row.hpp"
#include "store/postgres/statements.hpp"

namespace rollcall::postgres {
namespace {

/// With what PostgreSQL's jsonb can't hold made readable.
void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (const char letter : readable(text)) {
    if (letter == '"' || letter == '\\') {
      out += '\\';
      out += letter;
    } else if (static_cast<unsigned char>(letter) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(letter));
    } else {
      out += letter;
    }
  }
  out += '"';
}

std::string json_of(const std::vector<std::string>& tags) {
  std::string out = "[";
  for (const auto& tag : tags) {
    if (out.size() > 1) out += ',';
    append_json(out, tag);
  }
  return out + "]";
}

std::string json_of(const Metadata& metadata) {
  std::string out = "{";
  for (const auto& [key, value] : metadata) {
    if (out.size() > 1) out += ',';
    append_json(out, key);
    out += ':';
    append_json(out, value);
  }
  return out + "}";
}

/// The columns of `instances`, in the order of Sql::put_instances.
struct InstanceArrays {
  Array number{Type::number}, revision{Type::number}, id{Type::text}, service{Type::text}, address{Type::text},
      port{Type::number}, weight{Type::number}, status{Type::text}, status_reason{Type::text}, tags{Type::text},
      metadata{Type::text}, source{Type::text}, registered_at{Type::time}, modified_at{Type::time},
      created{Type::number}, removed_at{Type::time};

  void add(const Event& event) {
    const Instance& instance = *event.instance;
    number.add(instance.number.value);
    revision.add(event.revision.value);
    id.add_readable(instance.id.view());
    add_spec(instance.spec);
    status.add(name_of(instance.status()));
    status_reason.add_readable(instance.status_reason);
    source.add(name_of(instance.source));
    registered_at.add(instance.registered_at);
    modified_at.add(event.at);
    created.add(instance.created.value);
    if (event.kind == EventKind::removed) {
      removed_at.add(event.at);
    } else {
      removed_at.add_null();
    }
  }

  void add_spec(const InstanceSpec& spec) {
    service.add_readable(spec.service.view());
    address.add_readable(spec.address);
    if (spec.port != 0) {
      port.add(std::uint64_t{spec.port});
    } else {
      port.add_null();
    }
    weight.add(std::uint64_t{spec.weight});
    tags.add(json_of(spec.tags));
    metadata.add(json_of(spec.declares ? spec.declares->labels : spec.metadata));
  }

  [[nodiscard]] Parameters parameters() const {
    Parameters all;
    for (const auto* column : {&number, &revision, &id, &service, &address, &port, &weight, &status, &status_reason,
                               &tags, &metadata, &source, &registered_at, &modified_at, &created, &removed_at}) {
      all.array(*column);
    }
    return all;
  }
};

}  // namespace

EventColumns columns_of_events(std::span<const EventPtr> events) {
  Array revision{Type::number}, previous{Type::number}, number{Type::number}, at{Type::time}, kind{Type::text},
      id{Type::text}, service{Type::text}, writer{Type::text}, evidence{Type::text}, body{Type::bytes};
  EventColumns columns;
  std::string row;
  for (const auto& event : events) {
    revision.add(event->revision.value);
    previous.add(event->previous.value);
    number.add(event->instance->number.value);
    at.add(event->at);
    kind.add(name_of(event->kind));
    id.add_readable(event->instance->id.view());
    service.add_readable(event->instance->spec.service.view());
    writer.add_readable(event->cause.writer);
    evidence.add_readable(event->cause.evidence);
    row.clear();
    append_row(*event, row);
    body.add(row);
    columns.bytes += row.size() + kEventOverhead;
  }
  for (const auto* column : {&revision, &previous, &number, &at, &kind, &id, &service, &writer, &evidence, &body}) {
    columns.parameters.array(*column);
  }
  return columns;
}

Parameters columns_of_instances(std::span<const EventPtr> events) {
  std::unordered_map<InstanceNumber, Revision> last;
  for (const auto& event : events) last[event->instance->number] = event->revision;
  InstanceArrays arrays;
  for (const auto& event : events) {
    if (last[event->instance->number] == event->revision) arrays.add(*event);
  }
  return arrays.parameters();
}

}  // namespace rollcall::postgres
