#include "orthanc_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>

extern char** environ;

namespace rollcall::probe_test {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using namespace std::chrono_literals;
using asio::ip::tcp;

bool is_free(std::uint16_t port) {
  asio::io_context io;
  tcp::acceptor acceptor(io);
  boost::system::error_code error;
  acceptor.open(tcp::v4(), error);
  acceptor.bind({asio::ip::address_v4::any(), port}, error);
  return !error;
}

unsigned ask(std::uint16_t port, http::verb verb, const std::string& path, std::string body) {
  asio::io_context io;
  tcp::socket socket(io);
  boost::system::error_code error;
  socket.connect({asio::ip::address_v4::loopback(), port}, error);
  if (error) return 0;
  http::request<http::string_body> request{verb, path, 11};
  request.set(http::field::host, "127.0.0.1");
  request.body() = std::move(body);
  request.prepare_payload();
  http::write(socket, request, error);
  boost::beast::flat_buffer buffer;
  http::response<http::string_body> response;
  if (!error) http::read(socket, buffer, response, error);
  return error ? 0 : response.result_int();
}

// What dump2dcm makes an image of.
constexpr std::string_view kImage = R"((0008,0016) UI =CTImageStorage
(0008,0018) UI [1.2.826.0.1.3680043.9.9999.1.1.1]
(0008,0060) CS [CT]
(0010,0010) PN [TEST^PATIENT]
(0010,0020) LO [PID1]
(0020,000d) UI [1.2.826.0.1.3680043.9.9999.1]
(0020,000e) UI [1.2.826.0.1.3680043.9.9999.1.1]
)";

}  // namespace

std::uint16_t free_ports(unsigned count) {
  constexpr unsigned kFirst = 15'000, kSpan = 15'000;
  static unsigned next = static_cast<unsigned>(::getpid()) * 97 % kSpan;  // tests of other processes start elsewhere
  for (unsigned tries = 0; tries < kSpan; ++tries) {
    const auto first = static_cast<std::uint16_t>(kFirst + next++ % kSpan);
    bool all = true;
    for (unsigned i = 0; i < count && all; ++i) all = is_free(static_cast<std::uint16_t>(first + i));
    if (!all) continue;
    next += count;
    return first;
  }
  ADD_FAILURE() << "no free ports";
  return 0;
}

OrthancProcess::OrthancProcess(OrthancSettings settings) : settings_(std::move(settings)) {
  write_configuration();
  launch();
}

OrthancProcess::~OrthancProcess() { kill(); }

void OrthancProcess::write_configuration() const {
  std::ofstream(directory_.file("orthanc.json")) << fmt::format(
      R"({{"Name":"{}","DicomAet":"{}","HttpPort":{},"DicomPort":{},"StorageDirectory":"{}","IndexDirectory":"{}",
          "Plugins":[],"RemoteAccessAllowed":false,"AuthenticationEnabled":{},"RegisteredUsers":{{"orthanc":"{}"}},
          "StableAge":1,"SaveJobs":false}})",
      settings_.name, settings_.aet, settings_.web_port, settings_.dicom_port, directory_.file("storage"),
      directory_.file("storage"), settings_.password.empty() ? "false" : "true", settings_.password);
}

void OrthancProcess::launch() {
  const auto configuration = directory_.file("orthanc.json"), log = directory_.file("log");
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::posix_spawn_file_actions_adddup2(&files, 1, 2);
  std::array<char*, 3> arguments{const_cast<char*>("Orthanc"), const_cast<char*>(configuration.c_str()), nullptr};
  const int failed = ::posix_spawnp(&pid_, "Orthanc", &files, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  ASSERT_EQ(failed, 0) << "is the package orthanc installed?";
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (ask(settings_.web_port, http::verb::get, "/system", "") == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "Orthanc did not start";
    std::this_thread::sleep_for(10ms);
  }
}

void OrthancProcess::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void OrthancProcess::freeze() { ::kill(pid_, SIGSTOP); }

void OrthancProcess::restart() { launch(); }

void OrthancProcess::upload_image() {
  const auto dump = directory_.file("image.txt"), image = directory_.file("image.dcm");
  std::ofstream(dump) << kImage;
  const auto command = fmt::format("dump2dcm -q +te {} {}", dump, image);
  ASSERT_EQ(std::system(command.c_str()), 0) << "is the package dcmtk installed?";
  std::ifstream file(image, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  ASSERT_EQ(ask(settings_.web_port, http::verb::post, "/instances", std::move(bytes)), 200U);
}

}  // namespace rollcall::probe_test
