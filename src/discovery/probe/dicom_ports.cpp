#include "discovery/probe/dicom_ports.hpp"

namespace rollcall::probe {

void DicomPorts::failed(Port& port) const {
  if (++port.failures >= failures_allowed_) port.speaks_dicom = false;
}

bool DicomPorts::connected(std::uint16_t number, Outcome outcome, MonoTime now) {
  if (outcome == Outcome::no_evidence) return false;
  if (outcome == Outcome::refused && !answers(number)) {
    ports_.erase(number);
    return false;
  }
  Port& port = ports_[number];
  if (outcome != Outcome::answered) {
    port.listens = false;
    failed(port);
    return false;
  }
  const bool is_new = !port.listens;
  port.listens = true;
  return is_new || now - port.last_echo >= echo_interval_;
}

void DicomPorts::echoed(std::uint16_t number, EchoResult result, MonoTime now) {
  Port& port = ports_[number];
  port.last_echo = now;
  switch (result) {
    case EchoResult::answered:
    case EchoResult::rejected:
      port.speaks_dicom = true;
      port.failures = 0;
      break;
    case EchoResult::not_dicom:
      failed(port);
      break;
    case EchoResult::unreachable:
      port.listens = false;
      break;  // perhaps for want of ours: the next connection tells
  }
}

PortList DicomPorts::answering() const {
  PortList ports;
  for (const auto& [number, port] : ports_)
    if (port.speaks_dicom) ports.push_back(number);
  return ports;
}

bool DicomPorts::answers(std::uint16_t number) const {
  const auto found = ports_.find(number);
  return found != ports_.end() && found->second.speaks_dicom;
}

}  // namespace rollcall::probe
