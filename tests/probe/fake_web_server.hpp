#pragma once
// A web server that says what a test wants and keeps what it was asked.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace rollcall::probe_test {

class FakeWebServer {
 public:
  using Request = boost::beast::http::request<boost::beast::http::string_body>;
  using Response = boost::beast::http::response<boost::beast::http::string_body>;
  using Handler = std::function<Response(const Request&)>;

  FakeWebServer(std::uint16_t port, Handler handler)
      : acceptor_(io_, {boost::asio::ip::address_v4::loopback(), port}), handler_(std::move(handler)) {
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeWebServer() {
    stopping_ = true;
    boost::system::error_code ignored;
    boost::asio::ip::tcp::socket wake(io_);
    wake.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }
  FakeWebServer(const FakeWebServer&) = delete;
  FakeWebServer& operator=(const FakeWebServer&) = delete;

  [[nodiscard]] std::vector<Request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    while (!stopping_) {
      boost::system::error_code error;
      auto socket = acceptor_.accept(error);
      if (error || stopping_) continue;
      boost::beast::flat_buffer buffer;
      Request request;
      boost::beast::http::read(socket, buffer, request, error);
      if (error) continue;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      auto response = handler_(request);
      response.keep_alive(false);
      response.prepare_payload();
      boost::beast::http::write(socket, response, error);
    }
  }

  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  Handler handler_;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;  // guarded by mutex_
  std::thread thread_;
};

inline FakeWebServer::Response response(unsigned status, std::string body = "") {
  FakeWebServer::Response made{static_cast<boost::beast::http::status>(status), 11};
  made.body() = std::move(body);
  return made;
}

}  // namespace rollcall::probe_test
