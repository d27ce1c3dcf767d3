#pragma once
#include <memory>

#include "base/clock.hpp"
#include "discovery/probe/config.hpp"
#include "discovery/provider.hpp"

namespace rollcall {

/// Finds Orthancs by sweeping ports. `config` must be valid (validate()); `clock` outlives the provider.
/// What it reports: services "orthanc", "dicom", and with report_other "http" and "tcp"; see probe/README.md.
[[nodiscard]] std::unique_ptr<Provider> make_probe_provider(ProbeConfig config, const Clock& clock);

}  // namespace rollcall
