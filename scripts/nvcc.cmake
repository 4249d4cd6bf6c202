# Compiles one file of kernels and keeps what ptxas says of registers and spills beside the object. Without guards of statics nothing of the
# C++ library is needed: one thread at a time launches kernels.
execute_process(COMMAND ${NVCC} -std=c++17 -O3 -I${INCLUDE} -Xptxas -v -Xcompiler -fPIC,-fno-exceptions,-fno-threadsafe-statics
    -gencode=arch=compute_80,code=sm_80 -gencode=arch=compute_90,code=sm_90 -gencode=arch=compute_90,code=compute_90
    -c ${SOURCE} -o ${OBJECT}
    RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
file(WRITE ${OBJECT}.ptxas "${text}")
if(NOT result EQUAL 0)
    message(FATAL_ERROR "${text}")
endif()
string(REGEX MATCHALL "[^\n]*(warning|Warning)[^\n]*" warnings "${text}")
foreach(w IN LISTS warnings)
    message(STATUS "${w}")
endforeach()
