#include "discovery/probe/dicom_echo.hpp"

#include <dcmtk/config/osconfig.h>
// osconfig.h comes first, as DCMTK asks.
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/dcmlayer.h>
#include <dcmtk/dcmnet/dcmtrans.h>
#include <dcmtk/dcmnet/dimse.h>
#include <dcmtk/dcmnet/dul.h>
#include <dcmtk/oflog/oflog.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace rollcall::probe {
namespace {

constexpr const char* kOurTitle = "ROLLCALL";
constexpr const char* kAnyTitle = "ANY-SCP";

/// The sockets of echoes under way, so that cancel() can end them: DCMTK itself has no means for it.
class OpenSockets {
 public:
  void add(int socket) {
    const std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    if (cancelled_) ::shutdown(socket, SHUT_RDWR);
  }
  void remove(int socket) {
    const std::lock_guard lock(mutex_);
    std::erase(sockets_, socket);
  }
  void cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  [[nodiscard]] bool cancelled() {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }

 private:
  std::mutex mutex_;
  std::vector<int> sockets_;  // guarded by mutex_
  bool cancelled_ = false;    // guarded by mutex_
};

/// Takes its socket off the list before it closes it: the number may be someone else's right after.
class ListedConnection final : public DcmTCPConnection {
 public:
  ListedConnection(DcmNativeSocketType socket, OpenSockets& open) : DcmTCPConnection(socket), open_(open) {
    open_.add(getSocket());
  }
  ~ListedConnection() override {
    if (getSocket() >= 0) open_.remove(getSocket());
  }
  void close() override {
    if (getSocket() >= 0) open_.remove(getSocket());
    DcmTCPConnection::close();
  }

 private:
  OpenSockets& open_;
};

class ListingLayer final : public DcmTransportLayer {
 public:
  explicit ListingLayer(OpenSockets& open) : open_(open) {}
  DcmTransportConnection* createConnection(DcmNativeSocketType socket, OFBool) override {
    return new ListedConnection(socket, open_);  // DCMTK takes ownership
  }

 private:
  OpenSockets& open_;
};

struct DropNetwork {
  void operator()(T_ASC_Network* network) const noexcept { ASC_dropNetwork(&network); }
};
using Network = std::unique_ptr<T_ASC_Network, DropNetwork>;

struct EndAssociation {
  void operator()(T_ASC_Association* association) const noexcept { ASC_destroyAssociation(&association); }
};
using Association = std::unique_ptr<T_ASC_Association, EndAssociation>;

/// Proposes Verification with the transfer syntax that every DICOM node must take.
T_ASC_Parameters* verification_parameters(const std::string& peer) {
  T_ASC_Parameters* parameters = nullptr;
  if (ASC_createAssociationParameters(&parameters, ASC_DEFAULTMAXPDU).bad()) return nullptr;
  ASC_setAPTitles(parameters, kOurTitle, kAnyTitle, nullptr);
  ASC_setPresentationAddresses(parameters, "rollcall", peer.c_str());
  const char* syntaxes[] = {UID_LittleEndianImplicitTransferSyntax};
  ASC_addPresentationContext(parameters, 1, UID_VerificationSOPClass, syntaxes, 1);
  return parameters;
}

EchoResult result_of_refusal(const OFCondition& condition) {
  if (condition == DUL_ASSOCIATIONREJECTED) return EchoResult::rejected;
  if (condition.module() == OFM_dcmnet && condition.code() == DULC_TCPINITERROR) return EchoResult::unreachable;
  return EchoResult::not_dicom;
}

EchoResult exchange(T_ASC_Association* association, int timeout) {
  // Accepting an association is DICOM already, even one without our only context.
  if (ASC_countAcceptedPresentationContexts(association->params) > 0) {
    DIC_US status = 0;
    DcmDataset* detail = nullptr;
    DIMSE_echoUser(association, association->nextMsgID++, DIMSE_NONBLOCKING, timeout, &status, &detail);
    delete detail;
  }
  if (ASC_releaseAssociation(association).bad()) ASC_abortAssociation(association);
  return EchoResult::answered;
}

class DcmtkEcho final : public DicomEcho {
 public:
  DcmtkEcho() { OFLog::configure(OFLogger::OFF_LOG_LEVEL); }  // its log would mix with ours

  EchoResult echo(const boost::asio::ip::address& address, std::uint16_t port, std::chrono::seconds timeout) override {
    if (sockets_.cancelled() || !address.is_v4()) return EchoResult::unreachable;
    const int seconds = std::max(1, static_cast<int>(timeout.count()));
    T_ASC_Network* raw_network = nullptr;
    if (ASC_initializeNetwork(NET_REQUESTOR, 0, seconds, &raw_network).bad()) return EchoResult::unreachable;
    const Network network(raw_network);
    ListingLayer layer(sockets_);
    ASC_setTransportLayer(network.get(), &layer, 0);
    T_ASC_Parameters* parameters = verification_parameters(fmt::format("{}:{}", address.to_string(), port));
    if (parameters == nullptr) return EchoResult::unreachable;
    T_ASC_Association* raw_association = nullptr;
    const OFCondition condition =
        ASC_requestAssociation(network.get(), parameters, &raw_association, nullptr, nullptr, DUL_NOBLOCK, seconds);
    const Association association(raw_association);
    if (raw_association == nullptr) ASC_destroyAssociationParameters(&parameters);  // else the association owns them
    if (condition.bad()) return result_of_refusal(condition);
    return exchange(association.get(), seconds);
  }

  void cancel() override { sockets_.cancel(); }

 private:
  OpenSockets sockets_;
};

}  // namespace

std::unique_ptr<DicomEcho> DicomEcho::make() {
  dcmConnectionTimeout.set(1);  // the one wait that cancel() can't end
  return std::make_unique<DcmtkEcho>();
}

}  // namespace rollcall::probe
