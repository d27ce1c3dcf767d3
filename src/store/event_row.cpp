#include "store/event_row.hpp"

#include "store/packing.hpp"

namespace rollcall {
namespace {

// Version 1, in packing.hpp's terms:
//   version u8, kind u8, number, at, id, service
//   writer, evidence, revision - created, source u8, health u8, flags u8, [maintenance], status_reason, status_since,
//   registered_at, incarnation, session, address, port, weight, tags, metadata, [ttl, deregister_after],
//   [check kind u8, target, interval, timeout], retired (session, at)
//   CRC-32 of all before
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kInMaintenance = 1, kHasLease = 2, kHasCheck = 4, kLapsed = 8;

void append_spec(const InstanceSpec& spec, Packer& out) {
  out.text(spec.address);
  out.number(spec.port);
  out.number(spec.weight);
  out.number(spec.tags.size());
  for (const auto& tag : spec.tags) out.text(tag);
  out.number(spec.metadata.size());
  for (const auto& [key, value] : spec.metadata) {
    out.text(key);
    out.text(value);
  }
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
}

void append_instance(const Instance& instance, Revision revision, Packer& out) {
  out.number(revision.value - instance.created.value);
  out.byte(std::to_underlying(instance.source));
  out.byte(std::to_underlying(instance.health));
  out.byte(static_cast<std::uint8_t>((instance.maintenance ? kInMaintenance : 0) |
                                     (instance.spec.lease ? kHasLease : 0) | (instance.spec.check ? kHasCheck : 0) |
                                     (instance.lapsed ? kLapsed : 0)));
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
  spec.metadata.resize(in.count());
  for (auto& [key, value] : spec.metadata) {
    key = in.text();
    value = in.text();
  }
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
}

void read_instance(Instance& instance, Revision revision, Unpacker& in) {
  instance.created = Revision{revision.value - in.number()};
  instance.modified = revision;
  instance.source = in.choice(Source::probe);
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
  if (version != kVersion) {
    return std::unexpected("an event has format " + std::to_string(version) + ", and this program knows format " +
                           std::to_string(kVersion) + " alone");
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
  writer.byte(kVersion);
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
