#include "discovery/probe/sighting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "model/validate.hpp"

namespace rollcall::probe {
namespace {

std::string bracketed(std::string_view host) {
  return host.find(':') == std::string_view::npos ? std::string(host) : fmt::format("[{}]", host);
}

/// Leaves empty values out: absent says "not known".
void put(Metadata& metadata, std::string_view key, std::string value) {
  if (!value.empty()) metadata.emplace_back(key, std::move(value));
}

template <class Number>
std::string text_of(const std::optional<Number>& number) {
  return number ? std::to_string(*number) : std::string();
}

std::string value_of(const Metadata& metadata, std::string_view key) {
  const auto found = std::ranges::find(metadata, key, [](const auto& entry) { return std::string_view(entry.first); });
  return found == metadata.end() ? std::string() : found->second;
}

template <class Number>
std::optional<Number> number_of(const Metadata& metadata, std::string_view key) {
  const std::string text = value_of(metadata, key);
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

InstanceId orthanc_id(std::string_view host, std::uint16_t web_port) {
  return InstanceId(fmt::format("probe:{}:{}", bracketed(host), web_port));
}

InstanceId other_id(std::string_view host, std::string_view service, std::uint16_t port) {
  return InstanceId(fmt::format("probe:{}:{}:{}", bracketed(host), service, port));
}

InstanceSpec orthanc_spec(std::string_view host, const OrthancFacts& facts) {
  InstanceSpec spec;
  spec.service = ServiceName(kOrthancService);
  spec.address = std::string(host);
  spec.port = facts.web_port;
  if (facts.dicom_port) spec.tags.emplace_back("dicom");
  put(spec.metadata, "aet", facts.identity.aet);
  put(spec.metadata, "api_version", text_of(facts.identity.api_version));
  put(spec.metadata, "claimed_dicom_port", text_of(facts.identity.dicom_port));
  put(spec.metadata, "database_version", text_of(facts.identity.database_version));
  put(spec.metadata, "dicom_port", text_of(facts.dicom_port));
  put(spec.metadata, "locked", facts.locked ? "true" : "");
  put(spec.metadata, "name", facts.identity.name);
  put(spec.metadata, "plugins", facts.plugins);
  put(spec.metadata, "url", fmt::format("http://{}:{}/app/explorer.html", bracketed(host), facts.web_port));
  put(spec.metadata, "version", facts.identity.version);
  put(spec.metadata, "web_port", std::to_string(facts.web_port));
  return spec;
}

InstanceSpec other_spec(std::string_view host, std::string_view service, std::uint16_t port,
                        std::string_view server_header) {
  InstanceSpec spec;
  spec.service = ServiceName(service);
  spec.address = std::string(host);
  spec.port = port;
  if (service == kDicomService) put(spec.metadata, "dicom_port", std::to_string(port));
  if (is_utf8(server_header)) put(spec.metadata, "server", std::string(server_header));
  return spec;
}

OrthancFacts facts_from(const InstanceSpec& spec) {
  OrthancFacts facts;
  facts.web_port = spec.port;
  facts.locked = value_of(spec.metadata, "locked") == "true";
  facts.plugins = value_of(spec.metadata, "plugins");
  facts.dicom_port = number_of<std::uint16_t>(spec.metadata, "dicom_port");
  facts.identity.aet = value_of(spec.metadata, "aet");
  facts.identity.name = value_of(spec.metadata, "name");
  facts.identity.version = value_of(spec.metadata, "version");
  facts.identity.api_version = number_of<std::uint64_t>(spec.metadata, "api_version");
  facts.identity.database_version = number_of<std::uint64_t>(spec.metadata, "database_version");
  facts.identity.dicom_port = number_of<std::uint16_t>(spec.metadata, "claimed_dicom_port");
  return facts;
}

Cause probe_cause(std::string evidence) { return {"probe", std::move(evidence)}; }

}  // namespace rollcall::probe
