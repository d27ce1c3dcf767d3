# One target a folder. rollcall_folder(NAME name [SYSTEM] SOURCES ... DEPENDS ... TESTS ... [PCH header ...])
# Tests stand beside the code they test and become one executable, name_test.
function(rollcall_folder)
  cmake_parse_arguments(F "" "NAME" "SOURCES;DEPENDS;TESTS;PCH" ${ARGN})
  set(target rollcall_${F_NAME})
  if(F_SOURCES)
    add_library(${target} STATIC ${F_SOURCES})
    target_link_libraries(${target} PUBLIC rollcall_options ${F_DEPENDS})
    if(F_PCH)
      target_precompile_headers(${target} PRIVATE ${F_PCH})
    endif()
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE rollcall_options ${F_DEPENDS})
  endif()
  if(ROLLCALL_TESTS AND F_TESTS)
    rollcall_test(NAME ${F_NAME}_test SOURCES ${F_TESTS} DEPENDS ${target} PCH ${F_PCH})
  endif()
endfunction()

# The cluster that the tests of one build tree share (tests/support); the path of its socket has to be short.
string(MD5 tree_mark ${CMAKE_BINARY_DIR})
string(SUBSTRING ${tree_mark} 0 8 tree_mark)
set(postgres_folder /tmp/rollcall-postgres-${tree_mark})

# A test executable. Tests are discovered when ctest runs, so that a build never runs them; their names begin with the
# executable's, so that `ctest -R '^http_test:'` runs one executable's. POSTGRES: while they run, there is the cluster.
function(rollcall_test)
  cmake_parse_arguments(T "POSTGRES" "NAME" "SOURCES;DEPENDS;PCH;LABELS" ${ARGN})
  add_executable(${T_NAME} ${T_SOURCES})
  target_link_libraries(${T_NAME} PRIVATE ${T_DEPENDS} GTest::gmock GTest::gtest_main)
  target_include_directories(${T_NAME} PRIVATE ${PROJECT_SOURCE_DIR}/tests)  # for support/
  target_precompile_headers(${T_NAME} PRIVATE <gmock/gmock.h> <gtest/gtest.h> ${T_PCH})
  if(NOT T_LABELS)
    set(T_LABELS unit)
  endif()
  if(T_POSTGRES)
    set(needs FIXTURES_REQUIRED postgres ENVIRONMENT "ROLLCALL_TEST_POSTGRES=${postgres_folder}")
  endif()
  gtest_discover_tests(${T_NAME} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${T_NAME}:"
    PROPERTIES LABELS "${T_LABELS}" TIMEOUT 120 ${needs})
endfunction()
