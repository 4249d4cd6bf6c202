# The CUDA backend, where nvcc and the headers of cuBLASLt are found. Kernels are compiled by calling nvcc, so that everything else stays
# plain C with any compiler and any sanitizer, and so that no configuration fails for want of CUDA.
#
# Sets SAINT_CUDA_BUILT and SAINT_CUDA_STATUS; edits ENGINE_SOURCES; provides saint_cuda_link(target).
set(SAINT_CUDA_BUILT OFF)
set(SAINT_CUDA_STATUS "CUDA: switched off (SAINT_CUDA=OFF); the CPU engine is built")
if(SAINT_CUDA)
    find_program(SAINT_NVCC nvcc PATHS /usr/local/cuda/bin ENV CUDA_PATH PATH_SUFFIXES bin)
    if(SAINT_NVCC)
        get_filename_component(SAINT_CUDA_BIN ${SAINT_NVCC} REALPATH)
        get_filename_component(SAINT_CUDA_BIN ${SAINT_CUDA_BIN} DIRECTORY)
        get_filename_component(SAINT_CUDA_ROOT ${SAINT_CUDA_BIN} DIRECTORY)
        find_path(SAINT_CUDA_INCLUDE cublasLt.h HINTS ${SAINT_CUDA_ROOT}/include ${SAINT_CUDA_ROOT}/targets/x86_64-linux/include)
        find_path(SAINT_CUDART_INCLUDE cuda_runtime_api.h HINTS ${SAINT_CUDA_ROOT}/include ${SAINT_CUDA_ROOT}/targets/x86_64-linux/include)
        find_library(SAINT_CUDART cudart_static HINTS ${SAINT_CUDA_ROOT}/lib64 ${SAINT_CUDA_ROOT}/lib ${SAINT_CUDA_ROOT}/targets/x86_64-linux/lib)
    endif()
    if(NOT SAINT_NVCC)
        set(SAINT_CUDA_STATUS "CUDA: nvcc was not found; the CPU engine is built")
    elseif(NOT SAINT_CUDA_INCLUDE OR NOT SAINT_CUDART_INCLUDE OR NOT SAINT_CUDART)
        set(SAINT_CUDA_STATUS "CUDA: ${SAINT_NVCC} has no cublasLt.h, cuda_runtime_api.h or libcudart_static.a beside it; the CPU engine is built")
    else()
        if(NOT DEFINED SAINT_NVCC_WORKS)
            file(WRITE ${CMAKE_BINARY_DIR}/nvcc_works.cu "__global__ void k(int *p) { *p = 1; }\n")
            execute_process(COMMAND ${SAINT_NVCC} -arch=sm_90 -c ${CMAKE_BINARY_DIR}/nvcc_works.cu -o ${CMAKE_BINARY_DIR}/nvcc_works.o
                RESULT_VARIABLE nvcc_result OUTPUT_QUIET ERROR_QUIET)
            set(SAINT_NVCC_WORKS FALSE)
            if(nvcc_result EQUAL 0)
                set(SAINT_NVCC_WORKS TRUE)
            endif()
            set(SAINT_NVCC_WORKS ${SAINT_NVCC_WORKS} CACHE INTERNAL "nvcc and its host compiler build a kernel for sm_90")
        endif()
        if(SAINT_NVCC_WORKS)
            set(SAINT_CUDA_BUILT ON)
            set(SAINT_CUDA_STATUS "CUDA: ${SAINT_NVCC} builds the CUDA backend for sm_80, sm_90 and PTX beside the CPU engine")
        else()
            set(SAINT_CUDA_STATUS "CUDA: ${SAINT_NVCC} cannot build for sm_90 (is a C++ compiler there?); the CPU engine is built")
        endif()
    endif()
endif()

set(SAINT_CUDA_DIR ${CMAKE_SOURCE_DIR}/engine/backend/cuda)
# What includes the toolkit's headers: a file that is not among these is built everywhere, and fails where there is no toolkit.
file(GLOB SAINT_CUDA_SOURCES CONFIGURE_DEPENDS ${SAINT_CUDA_DIR}/*_cuda.c)
list(REMOVE_ITEM SAINT_CUDA_SOURCES ${SAINT_CUDA_DIR}/none_cuda.c)
list(APPEND SAINT_CUDA_SOURCES ${SAINT_CUDA_DIR}/lt.c ${SAINT_CUDA_DIR}/lt_load.c ${SAINT_CUDA_DIR}/transfer.c)
file(GLOB others ${SAINT_CUDA_DIR}/*.c)
list(REMOVE_ITEM others ${SAINT_CUDA_SOURCES})
foreach(source IN LISTS others)
    file(STRINGS ${source} toolkit REGEX "#include [<\"](backend/cuda/cuda\\.h|backend/cuda/kernels\\.h|cuda|cublas)")
    if(toolkit)
        message(FATAL_ERROR "${source} needs the CUDA toolkit: call it *_cuda.c, or name it in scripts/cuda.cmake")
    endif()
endforeach()
set(SAINT_CUDA_KERNELS ops linear attention decode select compact)
set(SAINT_CUDA_REPORTS "")

if(SAINT_CUDA_BUILT)
    list(REMOVE_ITEM ENGINE_SOURCES ${SAINT_CUDA_DIR}/none_cuda.c)
    set_source_files_properties(${SAINT_CUDA_SOURCES} PROPERTIES
        COMPILE_OPTIONS "-isystem;${SAINT_CUDA_INCLUDE};-isystem;${SAINT_CUDART_INCLUDE}"
        COMPILE_DEFINITIONS "SAINT_CUDA_LIBRARIES=\"${SAINT_CUDA_ROOT}/lib64\"")
    foreach(kernel IN LISTS SAINT_CUDA_KERNELS)
        set(object ${CMAKE_BINARY_DIR}/cuda/${kernel}.o)
        add_custom_command(OUTPUT ${object} ${object}.ptxas
            COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/cuda
            COMMAND ${CMAKE_COMMAND} -DNVCC=${SAINT_NVCC} -DSOURCE=${SAINT_CUDA_DIR}/${kernel}.cu -DOBJECT=${object}
                -DINCLUDE=${CMAKE_SOURCE_DIR}/engine -P ${CMAKE_SOURCE_DIR}/scripts/nvcc.cmake
            DEPENDS ${SAINT_CUDA_DIR}/${kernel}.cu ${SAINT_CUDA_DIR}/device.cuh ${SAINT_CUDA_DIR}/kernels.h ${CMAKE_SOURCE_DIR}/engine/base/dtype.h
                ${CMAKE_SOURCE_DIR}/engine/backend/backend.h ${CMAKE_SOURCE_DIR}/engine/backend/choose.h ${CMAKE_SOURCE_DIR}/engine/backend/fused.h
                ${CMAKE_SOURCE_DIR}/scripts/nvcc.cmake
            COMMENT "Building CUDA kernels ${kernel}.cu" VERBATIM)
        list(APPEND ENGINE_SOURCES ${object})
        list(APPEND SAINT_CUDA_REPORTS ${object}.ptxas)
    endforeach()
else()
    list(REMOVE_ITEM ENGINE_SOURCES ${SAINT_CUDA_SOURCES})
endif()

# cudart is linked in and finds the driver at run time; cuBLASLt is opened at run time.
function(saint_cuda_link target)
    if(SAINT_CUDA_BUILT)
        target_link_libraries(${target} PUBLIC ${SAINT_CUDART} ${CMAKE_DL_LIBS} rt)
    endif()
endfunction()
