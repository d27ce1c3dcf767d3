# GCC 12 destroys some temporaries of co_await expressions twice (docs/decisions/0001-toolchain.md).
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "Rollcall is built with Clang 19 or newer: use a preset (cmake --preset dev)")
endif()

add_library(rollcall_options INTERFACE)
target_include_directories(rollcall_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(rollcall_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wthread-safety -Werror
  -fno-omit-frame-pointer)
target_compile_definitions(rollcall_options INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
if(ROLLCALL_SANITIZE)
  target_compile_options(rollcall_options INTERFACE -fsanitize=${ROLLCALL_SANITIZE} -fno-sanitize-recover=all)
  # The vptr check probes memory through a pipe, and so accuses the code under test where descriptors have run out.
  target_compile_options(rollcall_options INTERFACE -fno-sanitize=vptr)
  target_link_options(rollcall_options INTERFACE -fsanitize=${ROLLCALL_SANITIZE})
endif()
target_link_options(rollcall_options INTERFACE -fuse-ld=lld)
