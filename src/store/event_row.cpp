#include "store/event_row.hpp"

#include <cmath>

#include "store/packing.hpp"

namespace rollcall {
namespace {

// Version 1, in packing.hpp's terms:
//   version u8, kind u8, number, at, id, service
//   writer, evidence, revision - created, source u8, health u8, flags u8, [maintenance], status_reason, status_since,
//   registered_at, incarnation, session, address, port, weight, tags, metadata, [ttl, deregister_after],
//   [check kind u8, target, interval, timeout], retired (session, at)
//   CRC-32 of all before
// Version 2, of records that declare a service: before `retired`
//   native id, labels, replicas, global u8, metric u8, thresholds (thousandths of a per cent), min, max, created,
//   updated
constexpr std::uint8_t kInstanceVersion = 1, kDeclarationVersion = 2;
constexpr std::uint8_t kInMaintenance = 1, kHasLease = 2, kHasCheck = 4, kLapsed = 8, kDeclares = 16;

void append_pairs(const Metadata& pairs, Packer& out) {
  out.number(pairs.size());
  for (const auto& [key, value] : pairs) {
    out.text(key);
    out.text(value);
  }
}

void read_pairs(Metadata& pairs, Unpacker& in) {
  pairs.resize(in.count());
  for (auto& [key, value] : pairs) {
    key = in.text();
    value = in.text();
  }
}

std::int64_t thousandths(double value) { return std::llround(value * 1000); }
double from_thousandths(std::int64_t value) { return static_cast<double>(value) / 1000; }

void append_declaration(const Declaration& declaration, Packer& out) {
  const auto& scaling = declaration.scaling;
  out.text(declaration.native_id);
  append_pairs(declaration.labels, out);
  out.number(declaration.replicas);
  out.byte(declaration.global ? 1 : 0);
  out.byte(std::to_underlying(scaling.metric));
  out.integer(thousandths(scaling.cpu_threshold));
  out.integer(thousandths(scaling.memory_threshold));
  out.number(scaling.min_replicas);
  out.number(scaling.max_replicas);
  out.time(declaration.created_at);
  out.time(declaration.updated_at);
}

void read_declaration(Declaration& declaration, Unpacker& in) {
  auto& scaling = declaration.scaling;
  declaration.native_id = in.text();
  read_pairs(declaration.labels, in);
  declaration.replicas = in.narrow<std::uint32_t>();
  declaration.global = in.byte() != 0;
  scaling.metric = in.choice(ScalingMetric::memory);
  scaling.cpu_threshold = from_thousandths(in.integer());
  scaling.memory_threshold = from_thousandths(in.integer());
  scaling.min_replicas = in.narrow<std::uint32_t>();
  scaling.max_replicas = in.narrow<std::uint32_t>();
  declaration.created_at = in.time();
  declaration.updated_at = in.time();
}

void append_spec(const InstanceSpec& spec, Packer& out) {
  out.text(spec.address);
  out.number(spec.port);
  out.number(spec.weight);
  out.number(spec.tags.size());
  for (const auto& tag : spec.tags) out.text(tag);
  append_pairs(spec.metadata, out);
  if (spec.lease) {
    out.span(spec.lease->ttl);
    out.span(spec.lease->deregister_after);
  }
  if (spec.check) {
    out.byte(std::to_underlying(spec.check->kind));
    out.text(spec.check->target);
    out.span(spec.check->interval);
    out.span(spec.check->timeout);
  }
  if (spec.declares) append_declaration(*spec.declares, out);
}

void append_instance(const Instance& instance, Revision revision, Packer& out) {
  out.number(revision.value - instance.created.value);
  out.byte(std::to_underlying(instance.source));
  out.byte(std::to_underlying(instance.health));
  out.byte(static_cast<std::uint8_t>((instance.maintenance ? kInMaintenance : 0) |
                                     (instance.spec.lease ? kHasLease : 0) | (instance.spec.check ? kHasCheck : 0) |
                                     (instance.lapsed ? kLapsed : 0) | (instance.spec.declares ? kDeclares : 0)));
  if (instance.maintenance) out.text(*instance.maintenance);
  out.text(instance.status_reason);
  out.time(instance.status_since);
  out.time(instance.registered_at);
  out.number(instance.incarnation.value);
  out.text(instance.session.view());
  append_spec(instance.spec, out);
  out.number(instance.retired.size());
  for (const auto& retired : instance.retired) {
    out.text(retired.session.view());
    out.time(retired.at);
  }
}

void read_spec(InstanceSpec& spec, std::uint8_t flags, Unpacker& in) {
  spec.address = in.text();
  spec.port = in.narrow<std::uint16_t>();
  spec.weight = in.narrow<std::uint32_t>();
  spec.tags.resize(in.count());
  for (auto& tag : spec.tags) tag = in.text();
  read_pairs(spec.metadata, in);
  if (flags & kHasLease) {
    spec.lease.emplace();
    spec.lease->ttl = in.span();
    spec.lease->deregister_after = in.span();
  }
  if (flags & kHasCheck) {
    spec.check.emplace();
    spec.check->kind = in.choice(CheckSpec::Kind::http);
    spec.check->target = in.text();
    spec.check->interval = in.span();
    spec.check->timeout = in.span();
  }
  if (flags & kDeclares) read_declaration(spec.declares.emplace(), in);
}

void read_instance(Instance& instance, Revision revision, Unpacker& in) {
  instance.created = Revision{revision.value - in.number()};
  instance.modified = revision;
  instance.source = in.choice(Source::docker);
  instance.health = in.choice(Status::maintenance);
  const std::uint8_t flags = in.byte();
  instance.lapsed = (flags & kLapsed) != 0;
  if (flags & kInMaintenance) instance.maintenance = std::string(in.text());
  instance.status_reason = in.text();
  instance.status_since = in.time();
  instance.registered_at = in.time();
  instance.incarnation = Incarnation{in.number()};
  instance.session = Session(in.text());
  read_spec(instance.spec, flags, in);
  instance.retired.resize(in.count());
  for (auto& retired : instance.retired) {
    retired.session = Session(in.text());
    retired.at = in.time();
  }
}

/// The row without its checksum, once version and checksum are right.
std::expected<std::string_view, std::string> checked(std::string_view row) {
  if (row.empty()) return std::unexpected("an event is empty");
  const auto version = static_cast<std::uint8_t>(row.front());
  if (version != kInstanceVersion && version != kDeclarationVersion) {
    return std::unexpected("an event has format " + std::to_string(version) +
                           ", and this program knows formats up to " + std::to_string(kDeclarationVersion) + " alone");
  }
  if (row.size() <= kChecksumBytes) return std::unexpected("an event is cut short");
  const auto body = row.substr(0, row.size() - kChecksumBytes);
  if (fixed32_at(row, body.size()) != checksum_of(body)) return std::unexpected("an event's checksum is wrong");
  return body;
}

RowHead read_front(Unpacker& in) {
  RowHead head;
  in.byte();  // the version
  head.kind = in.choice(EventKind::removed);
  head.number = InstanceNumber{in.number()};
  head.at = in.time();
  head.id = in.text();
  head.service = in.text();
  return head;
}

}  // namespace

void append_row(const Event& event, std::string& out) {
  const std::size_t start = out.size();
  Packer writer(out);
  writer.byte(event.instance->spec.declares ? kDeclarationVersion : kInstanceVersion);
  writer.byte(std::to_underlying(event.kind));
  writer.number(event.instance->number.value);
  writer.time(event.at);
  writer.text(event.instance->id.view());
  writer.text(event.instance->spec.service.view());
  writer.text(event.cause.writer);
  writer.text(event.cause.evidence);
  append_instance(*event.instance, event.revision, writer);
  append_fixed32(checksum_of(std::string_view(out).substr(start)), out);
}

std::expected<RowHead, std::string> read_head(std::string_view row) {
  const auto body = checked(row);
  if (!body) return std::unexpected(body.error());
  Unpacker in(*body);
  const RowHead head = read_front(in);
  if (!in.ok()) return std::unexpected("an event doesn't read");
  return head;
}

std::expected<EventPtr, std::string> read_row(Revision revision, Revision previous, std::string_view row) {
  const auto body = checked(row);
  if (!body) return std::unexpected(body.error());
  Unpacker in(*body);
  const RowHead head = read_front(in);
  auto instance = std::make_shared<Instance>();
  instance->id = InstanceId(head.id);
  instance->number = head.number;
  instance->spec.service = ServiceName(head.service);
  Cause cause;
  cause.writer = in.text();
  cause.evidence = in.text();
  read_instance(*instance, revision, in);
  if (!in.ok() || in.left() != 0) return std::unexpected("an event doesn't read");
  return std::make_shared<Event>(Event{revision, previous, head.at, head.kind, std::move(cause), std::move(instance)});
}

}  // namespace rollcall
