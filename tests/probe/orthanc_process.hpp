#pragma once
// Real Orthancs for the tests, on free loopback ports, killed and thrown away at the end.
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "support/temp_dir.hpp"

namespace rollcall::probe_test {

/// Free ports next to each other, below those that the system gives out itself.
[[nodiscard]] std::uint16_t free_ports(unsigned count);

struct OrthancSettings {
  std::uint16_t web_port = 0;
  std::uint16_t dicom_port = 0;
  std::string name = "orthanc";
  std::string aet = "ORTHANC";
  std::string password{};  ///< of the user "orthanc"; empty: none is asked for
};

class OrthancProcess {
 public:
  /// Starts it; returns once it answers, or fails the test.
  explicit OrthancProcess(OrthancSettings settings);
  ~OrthancProcess();
  OrthancProcess(const OrthancProcess&) = delete;
  OrthancProcess& operator=(const OrthancProcess&) = delete;

  void kill();     ///< SIGKILL, and waits for its end
  void freeze();   ///< SIGSTOP: it accepts connections and says nothing
  void restart();  ///< after kill()

  /// Stores one synthetic CT image.
  void upload_image();

  [[nodiscard]] const OrthancSettings& settings() const { return settings_; }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  void write_configuration() const;
  void launch();

  const OrthancSettings settings_;
  testing::TempDir directory_;
  pid_t pid_ = -1;
};

}  // namespace rollcall::probe_test
