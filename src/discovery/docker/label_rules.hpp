#pragma once
// What the labels of a service ask for. Pure functions.
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "discovery/docker/config.hpp"
#include "discovery/docker/objects.hpp"
#include "model/declaration.hpp"

namespace rollcall::docker {

/// A service is left out on account of this.
struct LabelWarning {
  std::string service;
  std::string label;
  std::string problem;  ///< "is \"two\"; allowed is a whole number"
  friend bool operator==(const LabelWarning&, const LabelWarning&) = default;
};

/// Whether every condition holds.
[[nodiscard]] bool matches(const Labels& labels, std::span<const LabelCondition> conditions);

/// Whether the label says that the service may be scaled.
[[nodiscard]] bool is_enabled(const Labels& labels, const DockerLabelNames& names);

/// Thresholds are numbers, 70 if unset; min and max whole numbers, 1 and max(2, replicas) if unset. Who isn't enabled
/// but listed all the same keeps as many replicas as it has, whatever its other labels say.
[[nodiscard]] std::expected<Scaling, LabelWarning> scaling_of(const Service& service, const DockerLabelNames& names);

/// The whole service, or why it is left out.
[[nodiscard]] std::expected<Declaration, LabelWarning> declaration_of(const Service& service,
                                                                      const DockerConfig& config);

/// The label "rollcall.port", 0 if unset.
[[nodiscard]] std::expected<std::uint16_t, LabelWarning> wanted_port(const Service& service);

}  // namespace rollcall::docker
